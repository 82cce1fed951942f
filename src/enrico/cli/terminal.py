"""A terminal may be closed while a command runs: its end stops a run gently and breaks nothing."""

from __future__ import annotations

import asyncio
import io
import signal
import sys
from collections.abc import Callable
from typing import Any


class _Unheard(io.FileIO):
    """Takes all that is written, also when nobody is there any more to hear it."""

    def write(self, data: Any) -> int:
        """As of a file; what cannot be written is dropped."""
        try:
            return super().write(data)
        except BlockingIOError:
            raise
        except OSError:
            return len(data)


def outlive_terminal() -> None:
    """From now on a terminal that is gone ends nothing that talks to it.

    Of stdout only where it is a terminal: who reads data from a pipe and goes away is to be told.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None or not (name == "stderr" or stream.isatty()):
            continue
        unheard = io.BufferedWriter(_Unheard(stream.fileno(), "w", closefd=False))
        stream.flush()
        setattr(
            sys,
            name,
            io.TextIOWrapper(
                unheard,
                encoding=stream.encoding,
                errors=stream.errors,
                line_buffering=True,
                write_through=name == "stderr",
            ),
        )


def on_hang_up(stop: Callable[[], None]) -> None:
    """Call *stop* when the terminal is closed, once; unless that is to be ignored, as by nohup.

    A shell and the system may both tell of it, so what comes later is ignored. Undo it with
    :func:`forget_hang_up`. Call both inside the running loop.
    """
    if not hasattr(signal, "SIGHUP") or signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return
    loop = asyncio.get_running_loop()

    def hung_up() -> None:
        forget_hang_up()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        stop()

    loop.add_signal_handler(signal.SIGHUP, hung_up)


def forget_hang_up() -> None:
    """The end of the terminal is what it was before :func:`on_hang_up`."""
    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
