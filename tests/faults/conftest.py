"""Pauses shrink here: what is waited for is tested, not how long."""

from __future__ import annotations

import pytest

from enrico.engine import call, limits


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries and walls cost milliseconds."""
    monkeypatch.setattr(call, "BACKOFF_FIRST_SECONDS", 0.02)
    monkeypatch.setattr(limits, "PARK_WITHOUT_RETRY_AFTER", 0.05)
