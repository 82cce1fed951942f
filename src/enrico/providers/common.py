"""Reading replies that may be anything: JSON, text, HTML from a gateway."""

from __future__ import annotations

import re
from typing import Any

import orjson

from enrico.engine.http import Reply
from enrico.engine.money import Cost
from enrico.errors import Fatal, ProviderError, RateLimited, Skippable, Unavailable
from enrico.logs import without_addresses

_SPACES = re.compile(r"\s+")
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair
    rb"|(u0000|u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_NO_SUCH_PATH = (404, 405, 410)
ELSEWHERE = (301, 302, 303, 307, 308)
LARGEST_COST = 10**15
"""Micro-credits or nano-dollars: a billion credits, a million dollars."""


def load_json(text: bytes) -> Any:
    """The JSON value in *text*. Raises orjson.JSONDecodeError.

    Some vendors escape what no text can hold: half of a surrogate pair, which stands for no
    character and becomes U+FFFD, and NUL, which PostgreSQL does not store and goes.
    """
    if b"\\u0000" in text or b"\\ud" in text or b"\\uD" in text:
        text = _ESCAPES.sub(_sound, text)
    return orjson.loads(text.strip())


def _sound(escape: re.Match[bytes]) -> bytes:
    if (broken := escape[1]) is None:
        return escape[0]
    return b"" if broken == b"u0000" else b"\\ufffd"


def json_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object in *body*, after any keep-alive blank lines; None when there is none."""
    try:
        value = load_json(body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def error_text(reply: Reply) -> str:
    """The provider's own words about a refusal, one short line; empty for HTML or nothing.

    Apollo alone has five shapes for it; gateways send HTML.
    """
    found = json_object(reply.body)
    text = ""
    if found is None:
        text = reply.body[:400].decode("utf-8", "replace")
        if text.lstrip().startswith("<"):
            return ""
    else:
        error = found.get("error")
        details = found.get("error_details")
        for candidate in (
            found.get("error_message"),
            error.get("message") if isinstance(error, dict) else error,
            found.get("message"),
            details.get("message") if isinstance(details, dict) else None,
        ):
            if isinstance(candidate, str) and candidate:
                text = candidate
                break
        text = text or _of_fields(found.get("detail")) or _of_fields(found.get("message"))
    return without_addresses(_SPACES.sub(" ", text.replace("\x00", ""))).strip()[:200]


def _of_fields(value: Any) -> str:
    """What frameworks say of single fields: ``body.thinking: Extra inputs are not permitted``."""
    if isinstance(value, dict):
        value = value.get("detail", [value])
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    said = []
    for one in value:
        if isinstance(one, dict):
            place = one.get("loc")
            where = ".".join(map(str, place)) if isinstance(place, list) else ""
            said.append(": ".join(filter(None, (where, str(one.get("msg") or "")))))
    return "; ".join(filter(None, said))


def believable(cost: Cost, reserved: Cost) -> Cost:
    """*cost*, or what was reserved where an answer names a sum that no call can cost."""
    sums = (cost.credits, cost.usd)
    return cost if all(0 <= one <= LARGEST_COST for one in sums) else reserved


def seconds(text: str | None) -> float | None:
    """A Retry-After in seconds; None when it is absent or no number (dates are not used here)."""
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 10**7 else None


def whole_number(text: str | None) -> int | None:
    """A header that should hold a count: None when empty (unlimited), missing or rubbish."""
    try:
        return int(text) if text and text.strip() else None
    except ValueError:
        return None


def no_service(provider: str, reply: Reply, setting: str, usual: str) -> Fatal | None:
    """A refusal of everything: a payment is due, or the base URL is wrong; None for another.

    All that is asked of a provider is asked at one or two paths, so one that is not there is no
    matter of the request.
    """
    words = error_text(reply)
    told = f"HTTP {reply.status}{words and ': ' + words}"
    if reply.status == 402:
        why = (
            f"{provider} asks for a payment ({told}). See to the account, then run the same "
            "command again; it goes on from there."
        )
    elif reply.status in (*_NO_SUCH_PATH, *ELSEWHERE):
        why = (
            f"{provider} is not at this address ({told}). Check {setting}; the usual one is {usual}"
        )
    else:
        return None
    return Fatal(why, provider=provider.lower(), status=reply.status)


def ordinary_refusal(provider: str, reply: Reply) -> ProviderError | None:
    """What a status means at any provider; None for 200. Vendors decide 400-403 themselves."""
    status = reply.status
    if status == 200:
        return None
    if status == 429:
        return RateLimited(
            f"{provider} says that its rate limit is reached.",
            provider=provider,
            retry_after=seconds(reply.headers.get("retry-after")),
        )
    if status >= 500 or status == 408 or 200 < status < 400:
        return Unavailable(
            f"{provider} failed with HTTP {status}.", provider=provider, status=status
        )
    words = error_text(reply)
    return Skippable(
        f"{provider} refused the request (HTTP {status}{': ' + words if words else ''}).",
        provider=provider,
        status=status,
    )
