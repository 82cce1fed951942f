"""Where the CPU time of this process goes, sampled: cheap enough not to change what it measures."""

from __future__ import annotations

import signal
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from types import FrameType

EVERY_SECONDS = 0.004  # of CPU time; the kernel has no finer clock for it
LAYERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("export", ("enrico/export/",)),
    ("roles", ("enrico/pipeline/roles.py",)),
    ("SQLite, writing", ("enrico/store/writer.py",)),
    ("signals: about whom, dates, stories", ("enrico/pipeline/apply.py",)),
    ("journal", ("enrico/store/journal.py",)),
    ("reading and writing rows", ("enrico/store/", "sqlalchemy/", "aiosqlite/")),
    ("HTTP client", ("enrico/engine/http.py", "aiohttp/")),
    ("requests and replies", ("enrico/providers/", "enrico/pipeline/people.py")),
    ("limits, budget, order of a call", ("enrico/engine/",)),
    ("streaming between stages", ("enrico/pipeline/",)),
    ("event loop", ("asyncio/", "selectors.py")),
)
"""A layer and the files that stand for it; of several in one stack the first listed counts, but
what a call's layers below it do is theirs."""
_CAUSES = ("export", "roles", "SQLite, writing")
_LOOP = "event loop"


class Sampler:
    """Counts in which layer the process is each time that it has used some CPU time."""

    def __init__(self) -> None:
        self.samples: Counter[str] = Counter()

    def start(self) -> None:
        """Begin; in the main thread."""
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)

    def stop(self) -> Mapping[str, float]:
        """End; the share of each layer, the largest first."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        return {name: count / self.samples.total() for name, count in self.samples.most_common()}

    def _look(self, _: int, frame: FrameType | None) -> None:
        layer = layer_of(frame)
        if layer == _LOOP and frame is not None and frame.f_code.co_name == "select":
            # The loop waits, so another thread has used the time.
            main = threading.main_thread().ident
            others = (f for thread, f in sys._current_frames().items() if thread != main)
            busy = [found for other in others if (found := layer_of(other)) != "other"]
            layer = busy[0] if busy else layer
        self.samples[layer] += 1


def layer_of(frame: FrameType | None) -> str:
    """The layer of a stack: a cause anywhere in it, else the innermost that is one; ``other``."""
    innermost = ""
    while frame is not None:
        path = frame.f_code.co_filename
        found = next((n for n, files in LAYERS if any(file in path for file in files)), "")
        if found in _CAUSES:
            return found
        if not innermost or innermost == _LOOP:
            innermost = found or innermost
        frame = frame.f_back
    return innermost or "other"
