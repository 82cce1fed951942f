"""What a PostgreSQL URL says, for a driver that understands less than libpq.

What libpq understands works, or is refused in a sentence: nothing is left out that would have made
a connection safer. The workers' engine connects through libpq itself, with the same URL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from enrico.errors import ConfigError
from enrico.store.session_lock import CONNECT_SECONDS

_SEVERAL_HOSTS = re.compile(
    r"(?P<scheme>\w+(\+\w+)?)://((?P<who>.*)@)?(?P<hosts>[^@/?]*,[^@/?]*)(?P<rest>[/?].*)?", re.S
)
_PASSED_ON = {
    "host", "port", "user", "password", "dbname", "passfile", "service", "options", "krbsrvname",
    "gsslib", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword",
    "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version",
    "target_session_attrs",
}  # fmt: skip
_FILES = {"sslcert", "sslkey", "sslrootcert", "sslcrl"}
_OURS = {"application_name", "fallback_application_name"}
"""A process is known by its name to those who wait for a lock; another name would hide it."""
_AT_MOST_PREFERRED = {"channel_binding", "gssencmode"}
"""What the driver cannot do: nothing is lost unless it is required."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect to, and how."""

    url: URL
    """As libpq understands it."""
    dsn: str
    """As asyncpg understands it."""
    timeout: float
    """Seconds that a connection may take."""
    where: str
    """The database in a sentence, without user and password."""


def read_url(text: str) -> Target:
    """Read ENRICO_DATABASE_URL. Raises ConfigError, which repeats no part that may be secret."""
    url = _parsed(text).set(drivername="postgresql")
    said = {
        name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()
    }
    if isinstance(url.query.get("host"), tuple):
        said["host"] = ",".join(url.query["host"])
        url = url.update_query_dict({"host": said["host"]})
    for name in _FILES & said.keys():
        if not Path(said[name]).is_file():
            raise ConfigError(
                f"The file {said[name]} that {name} in ENRICO_DATABASE_URL names is not there."
            )
    timeout = CONNECT_SECONDS
    passed: dict[str, str] = {}
    for name, value in said.items():
        if name in _PASSED_ON:
            passed[name] = value
        elif name == "connect_timeout":
            timeout = _seconds(value)
        elif name in _AT_MOST_PREFERRED:
            if value == "require":
                raise ConfigError(
                    f"ENRICO_DATABASE_URL requires {name}, which Enrico's driver cannot do. Take "
                    "it out; sslmode=verify-full makes sure of the server."
                )
        elif name not in _OURS:
            raise ConfigError(
                f"ENRICO_DATABASE_URL has the parameter {name!r}, which Enrico does not know. "
                "Take it out; a setting of the server is given as options=-c%20name%3Dvalue."
            )
    plain = urlsplit(url.set(query={}).render_as_string(hide_password=False))
    dsn = urlunsplit(plain._replace(query=urlencode(passed)))
    hosts = said.get("host") or url.host or "localhost"
    database = url.database or said.get("dbname") or url.username
    return Target(url, dsn, timeout, f"The database {database} at {hosts}")


def _parsed(text: str) -> URL:
    try:
        several = _SEVERAL_HOSTS.fullmatch(text)
        if several is None:
            url = make_url(text)
            if "%" not in (url.host or ""):
                return url
            # A socket's folder, written where a host stands.
            folder = unquote(str(url.host))
            return url.set(host=None).update_query_dict({"host": folder})
        who = f"{several['who']}@" if several["who"] is not None else ""
        url = make_url(f"{several['scheme']}://{who}{several['rest'] or '/'}")
        places = [_place(one) for one in several["hosts"].split(",")]
    except (ArgumentError, ValueError):
        raise ConfigError(
            "ENRICO_DATABASE_URL is not a database URL. Write "
            "postgresql://user:password@host:5432/database; in a password write @ as %40, / as "
            "%2F, : as %3A, # as %23, ? as %3F and % as %25."
        ) from None
    hosts, ports = (",".join(part) for part in zip(*places, strict=True))
    return url.update_query_dict({"host": hosts, "port": ports})


def _place(text: str) -> tuple[str, str]:
    """``host:port``, ``host``, or ``[address]:port``. Raises ValueError."""
    found = re.fullmatch(r"(\[[^]]+\]|[^:\[\]]*)(?::(\d+))?", text)
    if found is None:
        raise ValueError
    return unquote(found[1].strip("[]")), found[2] or "5432"


def _seconds(text: str) -> float:
    """As libpq takes it: nought is no limit, for which we have our own."""
    if not re.fullmatch(r"\d+", text):
        raise ConfigError("connect_timeout in ENRICO_DATABASE_URL is a whole number of seconds.")
    return float(text) or CONNECT_SECONDS
