"""On the path of the processes that the tests start: the journal's clock starts at noon there too.

So "21 hours ago" means the same day in every process and in the undisturbed run.
"""

import os
from datetime import datetime, timedelta
from typing import Any

import enrico.store.journal as journal_module

OFFSET = timedelta(seconds=float(os.environ["TESTS_CLOCK_OFFSET"]))


class NoonClock(datetime):
    """The real time, moved."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + OFFSET


journal_module.datetime = NoonClock  # type: ignore[misc]
