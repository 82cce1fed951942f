"""Blocking work beside the event loop, in a thread that nobody has to wait for.

``asyncio.to_thread`` will not do for what may hang: at the end, Python waits for its threads.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def beside(work: Callable[[], T], seconds: float) -> T:
    """What *work* returns or raises. Raises TimeoutError after *seconds*; the thread is left."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = work()
        except Exception as caught:
            error = caught
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody asks any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="beside", daemon=True).start()
    async with asyncio.timeout(seconds):
        return await done
