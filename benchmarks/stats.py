"""Figures from several runs."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that *share* of the values do not pass (nearest rank); 0 for none.

    Of five values the third is P50, and the fifth is both P95 and the maximum.
    """
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def exponent(small: tuple[float, float], large: tuple[float, float]) -> float:
    """How time grows with size, from two pairs of (size, seconds): 1 is proportional, 2 square."""
    return math.log(large[1] / small[1]) / math.log(large[0] / small[0])
