"""Messages to where people look, through Apprise. Addresses hold passwords: none is ever shown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import SecretStr

from enrico.alerts.rules import RULES, Finding
from enrico.engine.beside import beside
from enrico.errors import ConfigError
from enrico.settings import Settings

if TYPE_CHECKING:
    from apprise import NotifyBase

log = structlog.get_logger("enrico.alerts")

NEEDS_EXTRA = (
    "alerts.notify is set, but the package apprise is not installed. Install it with: "
    "pip install 'enrico[alerts]'"
)
_TYPES = {"info": "info", "warning": "warning", "critical": "failure"}


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody is told. ``severity`` as in the rules."""

    title: str
    body: str
    severity: str


@dataclass(frozen=True, slots=True)
class Target:
    """One address, called by its place in the setting and its scheme."""

    name: str
    service: NotifyBase


class Notifier:
    """Tells all addresses of ``alerts.notify`` at once.

    Raises ConfigError when Apprise is not installed or does not understand an address.
    """

    def __init__(self, addresses: Sequence[SecretStr], timeout_seconds: float) -> None:
        try:
            from apprise import Apprise
        except ImportError as error:
            raise ConfigError(NEEDS_EXTRA) from error
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its lines hold addresses
        self._timeout = timeout_seconds
        self.targets: list[Target] = []
        for place, address in enumerate(addresses, 1):
            text = address.get_secret_value()
            service = Apprise.instantiate(text)
            if service is None:
                raise ConfigError(
                    f"Apprise does not understand address {place} of alerts.notify. See "
                    "docs/how-to/alerts.md for how addresses are written."
                )
            self.targets.append(Target(f"{place} ({text.partition('://')[0]})", service))

    async def send(self, message: Message) -> dict[str, bool]:
        """Whether each address took the message. Never raises, and never waits past the bound."""
        told = await asyncio.gather(*(self._send(target, message) for target in self.targets))
        return {target.name: ok for target, ok in zip(self.targets, told, strict=True)}

    async def _send(self, target: Target, message: Message) -> bool:
        # The service itself, not Apprise.notify or async_notify: these send from a pool of threads
        # that the process has to wait for at its end.
        def notify() -> bool:
            kind: Any = _TYPES[message.severity]
            return bool(
                target.service.notify(
                    body=message.body, title=message.title, notify_type=kind, body_format="text"
                )
            )

        try:
            ok = await beside(notify, self._timeout)
            why = "" if ok else "it was not taken"
        except TimeoutError:
            ok, why = False, f"no answer within {self._timeout:g} s"
        except Exception as error:
            ok, why = False, type(error).__name__
        if not ok:
            log.warning("a notification failed", target=target.name, why=why)
        return ok


def message_of(finding: Finding, settings: Settings, run_id: str) -> Message:
    """One finding in words for people: what, why, what to do, where to read on."""
    rule = RULES[finding.rule]
    body = (
        f"{finding.line}\n\n{rule.what} {rule.why} {rule.do}\n\n"
        f"Run: {run_id}\nRunbook: {rule.runbook}"
    )
    title = f"Enrico, {settings.workspace_name}: {finding.rule.replace('_', ' ')}"
    return Message(title, body, rule.severity)


def sample_message(settings: Settings) -> Message:
    """What ``enrico alerts --test`` sends."""
    body = "This is a test: alerts of Enrico arrive here."
    return Message(f"Enrico, {settings.workspace_name}: test", body, "info")
