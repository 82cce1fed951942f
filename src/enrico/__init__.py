"""Enrico: who decides on a deal, what happens at the account, who these people really are.

>>> from enrico import Enrico
>>> async with Enrico() as enrico:
...     results = await enrico.enrich("exports/", out="results/")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from enrico.client import Enrico, LoadReport, Results
    from enrico.domain.records import Account, Contact, Deal, DealContact
    from enrico.domain.roles import BuyingRole
    from enrico.domain.signals import Signal, SignalType
    from enrico.engine.budget import Caps
    from enrico.errors import EnricoError

__version__ = "0.1.0"

_HOME = {
    "Enrico": "enrico.client",
    "LoadReport": "enrico.client",
    "Results": "enrico.client",
    "Account": "enrico.domain.records",
    "Contact": "enrico.domain.records",
    "Deal": "enrico.domain.records",
    "DealContact": "enrico.domain.records",
    "BuyingRole": "enrico.domain.roles",
    "Signal": "enrico.domain.signals",
    "SignalType": "enrico.domain.signals",
    "Caps": "enrico.engine.budget",
    "EnricoError": "enrico.errors",
}
__all__ = [
    "Account",
    "BuyingRole",
    "Caps",
    "Contact",
    "Deal",
    "DealContact",
    "Enrico",
    "EnricoError",
    "LoadReport",
    "Results",
    "Signal",
    "SignalType",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import enrico`` is quick."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'enrico' has no attribute {name!r}")
