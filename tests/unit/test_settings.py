"""Settings as they are written, and what is said of those that cannot be used."""

from __future__ import annotations

import pytest

from enrico.errors import ConfigError
from enrico.settings import load_settings


@pytest.mark.parametrize(
    "written",
    [
        "5/s, 60/min by the clock",
        '["5/s", "60/min by the clock"]',
        '[ "5/s, 60/min by the clock" ]',
    ],
)
def test_limits_are_a_text_with_commas_or_a_list(monkeypatch, written: str) -> None:
    monkeypatch.setenv("ENRICO_APOLLO__LIMITS", written)

    assert load_settings().apollo.limits == "5/s, 60/min by the clock"


@pytest.mark.parametrize("written", ["5 per second", '["5/s"', '{"5/s": 1}', "[1, 2]"])
def test_a_limit_that_is_not_understood_is_named_with_its_setting(
    monkeypatch, written: str
) -> None:
    monkeypatch.setenv("ENRICO_SERPER__LIMITS", written)

    with pytest.raises(ConfigError, match=r"serper\.limits cannot be used: The limit .* '5/s'"):
        load_settings()
