"""Every error that Enrico raises, sorted by what to do next.

    EnricoError
    ├── UsageError       a flag or argument makes no sense          exit 2
    ├── ConfigError      fix a setting, start again                 exit 2
    ├── InputError       fix that file or row; the others go on     exit 2
    ├── StoreError       the database refused: nothing more is sent exit 1
    ├── Interrupted      the user stopped the run                   exit 130
    └── ProviderError    a provider's answer, by what it means for the call
        ├── Retriable    try again later: RateLimited, Unavailable, Unreadable
        ├── Skippable    this record only: the batch goes on
        ├── Fatal        the whole key: refused, or no balance       exit 5
        │   └── Outage   the whole provider, for now                 exit 3
        └── UnknownOutcome   it may have been charged: never simply sent again

A message says what failed and with which value, why as far as known, and what to do.
Messages hold no key, no whole body and no person's data.
"""

from __future__ import annotations


class EnricoError(Exception):
    """The root of all; ``code`` is the same in logs, JSON and docs."""

    code = "error"
    exit_code = 1


class UsageError(EnricoError):
    """A command was asked for something that makes no sense."""

    code = "usage"
    exit_code = 2


class ConfigError(EnricoError):
    """A setting is missing or wrong."""

    code = "config"
    exit_code = 2


class InputError(EnricoError):
    """A file or record cannot be used."""

    code = "input"
    exit_code = 2


class StoreError(EnricoError):
    """The database cannot be read or written. Spending stops at once."""

    code = "store"
    exit_code = 1


class Interrupted(EnricoError):
    """The user stopped the run; what was bought is kept."""

    code = "run.interrupted"
    exit_code = 130


class ProviderError(EnricoError):
    """A provider did not give a usable answer."""

    code = "provider"

    def __init__(self, message: str, *, provider: str, status: int = 0) -> None:
        super().__init__(message)
        self.provider = provider
        self.status = status


class RateLimited(ProviderError):
    """429: not charged, not a result. ``retry_after`` is in seconds; None when not given."""

    code = "provider.rate_limited"

    def __init__(
        self, message: str, *, provider: str, status: int = 429, retry_after: float | None = None
    ) -> None:
        super().__init__(message, provider=provider, status=status)
        self.retry_after = retry_after


class Unavailable(ProviderError):
    """The call did not reach the provider, or a cheap call failed: safe to send again.

    ``charged``: whether it may have cost something.
    """

    code = "provider.unavailable"

    def __init__(
        self, message: str, *, provider: str, status: int = 0, charged: bool = False
    ) -> None:
        super().__init__(message, provider=provider, status=status)
        self.charged = charged


class Unreadable(ProviderError):
    """A cheap call brought an answer that makes no sense: asking again may help."""

    code = "provider.unreadable"


class Skippable(ProviderError):
    """The provider refused this request; others go on. Not charged."""

    code = "provider.refused_request"


class Adapted(Skippable):
    """The provider does not take a switch, which is not sent from now on: ask again without it."""

    code = "provider.refused_switch"


class Fatal(ProviderError):
    """The provider refuses the key or the balance is spent: stop asking it."""

    code = "provider.refused"
    exit_code = 5


class Outage(Fatal):
    """The provider cannot be used now and costs nothing: go on later."""

    code = "provider.outage"
    exit_code = 3


class UnknownOutcome(ProviderError):
    """Sent, and no whole answer came back: it may have been charged. ``call_id`` says which."""

    code = "provider.unknown_outcome"

    def __init__(self, message: str, *, provider: str, status: int = 0, call_id: str = "") -> None:
        super().__init__(message, provider=provider, status=status)
        self.call_id = call_id


def first_of_ours(error: BaseException) -> BaseException:
    """What ended a group of tasks: our own error where there is one, else the first."""
    leaves: list[BaseException] = []

    def walk(found: BaseException) -> None:
        if isinstance(found, BaseExceptionGroup):
            for inner in found.exceptions:
                walk(inner)
        else:
            leaves.append(found)

    walk(error)
    return next((leaf for leaf in leaves if isinstance(leaf, EnricoError)), leaves[0])
