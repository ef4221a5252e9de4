"""Calls that block, made for an event loop: each in a thread of its own.

asyncio.to_thread is for calls that end soon: asyncio.run, and then the interpreter, wait for its threads. A program that is
interrupted while a server does not answer would not end before the call's timeout.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Made = TypeVar("Made")


async def apart(call: Callable[[], Made], undo: Callable[[Made], object] = lambda _: None) -> Made:
    """Makes a call and waits for it. Neither the end of the loop nor that of the program waits with it.

    Args:
        call: what blocks.
        undo: gets what the call has returned, if nobody waits for it any more. It may block, too.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Made] = loop.create_future()

    def work() -> None:
        try:
            made = call()
        except BaseException as error:
            _call_in(loop, fail, error)
        else:
            if not _call_in(loop, hand_over, made):
                undo(made)

    def hand_over(made: Made) -> None:
        if result.cancelled():
            threading.Thread(target=undo, args=(made,), name="pengbridge undo", daemon=True).start()
        else:
            result.set_result(made)

    def fail(error: BaseException) -> None:
        if not result.cancelled():
            result.set_exception(error)

    threading.Thread(target=work, name="pengbridge call", daemon=True).start()
    return await result


def _call_in(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *args: Any) -> bool:
    """Has callback called by the loop. False: the loop is closed."""
    try:
        loop.call_soon_threadsafe(callback, *args)
    except RuntimeError:
        return False
    return True
