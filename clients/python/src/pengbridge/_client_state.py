"""What a client's connection is in: its state and mode, which packet rules compare, and the waits for both its ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from . import errors
from ._peer import Peer
from .constants import MODE_NOTSET, STATE_ACTIVE, STATE_CLOSED, STATE_INIT


class ClientState(Peer):
    """The part of Client that knows whether there is a connection. Any thread may wait; handlers move the state."""

    def __init__(self, peng: Any, cfg: Any, on_send: Callable[..., None]) -> None:
        super().__init__(peng, cfg, on_send)
        self._mode = MODE_NOTSET
        self._state = STATE_INIT
        # Its own "with" is a call, after which a signal's handler could raise and leave it locked; that of the lock is none.
        self._state_lock = threading.RLock()
        self._changed = threading.Condition(self._state_lock)
        self._has_closed = False  # remote_state says so only after on_close
        self._close_reason: str | None = None
        self._close_detail = ""  # the same for people, where there is more to say
        self._failure: Exception | None = None

    @property
    def remote_state(self) -> int:
        """The connection's state, a STATE constant or the application's own number, which packet rules compare."""
        return self._state

    @remote_state.setter
    def remote_state(self, value: int) -> None:
        self._set_state(value)
        self._share(0, "state", value)

    @property
    def target_conntype(self) -> str:
        """The connection type to announce, and the one whose hooks see every packet. The application may set another."""
        return self._target_conntype

    @target_conntype.setter
    def target_conntype(self, value: str) -> None:
        self._target_conntype = value
        self._share(0, "conntype", value)

    @property
    def mode(self) -> int:
        """The connection's mode, a MODE constant or the application's own number, which packet rules compare."""
        return self._mode

    @mode.setter
    def mode(self, value: int) -> None:
        self._mode = value
        self._share(0, "mode", value)

    def wait_for_connection(self, timeout: float | None = None) -> None:
        """Waits until the connection is active. Somebody else has to process meanwhile.

        Args:
            timeout: in seconds; None for no limit.

        Raises:
            ConnectionFailedError: it was refused, or is closed again; a TimedOutError, too.
            TimedOutError: it took longer.
        """
        if not self._await(lambda: self._state >= STATE_ACTIVE or self._has_closed, timeout):
            raise errors.TimedOutError("Timed out while waiting for the connection")
        if self._failure is not None:
            raise errors.ConnectionFailedError(f"the client has ended: {self._failure}") from self._failure
        if self._has_closed or not self.run:
            detail = f" ({self._close_detail})" if self._close_detail else ""
            raise errors.ConnectionFailedError(
                f"the connection was closed: {self._close_reason}{detail}", self._close_reason
            )

    def wait_for_close(self, timeout: float | None = None) -> None:
        """Waits until the connection is closed, or will never be made. Somebody else has to process meanwhile.

        Args:
            timeout: in seconds; None for no limit.

        Raises:
            TimedOutError: it took longer.
        """
        if not self._await(lambda: self._has_closed, timeout):
            raise errors.TimedOutError("Timed out while waiting for the close")

    def stop(self) -> None:
        """Ends the client: what was sent goes out, then the connection closes. It does not wait; join does.

        on_close is not called from now on, and whoever waits for the connection or its close is woken.
        """
        super().stop()
        with self._state_lock:
            self._changed.notify_all()

    def _why_not_running(self) -> str:
        if self._failure is not None:
            return str(self._failure)
        if self.run and self._run_thread is not None:
            return "it is still connecting, for which wait_for_connection waits"
        return super()._why_not_running()

    def _fail(self, error: Exception) -> None:
        self._failure = error
        self.run = False
        self._state = STATE_CLOSED
        self._set_closed()
        self._inbox.wake()

    def _await(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        self._inbox.check()
        with self._state_lock:
            return self._changed.wait_for(lambda: condition() or not self.run, timeout)

    def _set_state(self, state: int) -> None:
        with self._state_lock:
            self._state = state
            self._changed.notify_all()

    def _set_closed(self) -> None:
        with self._state_lock:
            self._has_closed = True
            self._changed.notify_all()
