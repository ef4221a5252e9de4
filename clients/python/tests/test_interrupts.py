"""A signal's handler may raise anywhere in the main thread: what that leaves behind holds up nobody."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from harness import WAIT, Net, Recorder, eventually
from rawpeer import RawPeer

import pengbridge as peng3dnet
from pengbridge import _outbox, _processing
from pengbridge.constants import STATE_ACTIVE
from pengbridge.v1 import sidecar_service_pb2 as api


def answer() -> tuple[Callable[[], Any], Callable[[], Any]]:
    made = _outbox.Answer()
    return lambda: made.wait(0), made.settle


def connection() -> tuple[Callable[[], Any], Callable[[], Any]]:
    client = peng3dnet.Client()
    return lambda: client.wait_for_close(0), client._set_closed


@pytest.mark.parametrize("make", [answer, connection])
def test_what_is_waited_for_can_still_happen(make: Callable[[], tuple[Callable[[], Any], Callable[[], Any]]]) -> None:
    step = 0
    while True:
        wait, happen = make()
        interrupted = interrupt(wait, step)
        thread = threading.Thread(target=happen, daemon=True)
        thread.start()
        thread.join(WAIT)
        assert not thread.is_alive(), f"after an interrupt in step {step}"
        if not interrupted:
            break
        step += 1
    assert step > 0


def test_processing_can_go_on(net: Net) -> None:
    server = net.server(packets={"t:a": Recorder}, process=False)
    packet = server.registry.getObj("t:a")
    peer = RawPeer.connect(server.sock.getsockname())
    eventually(lambda: server.process(True, 0.1) >= 0 and [c.state for c in server.clients.values()] == [STATE_ACTIVE])
    step = 0
    while interrupt(server.process, step):
        step += 1
        peer.send(64, step)
        eventually(lambda: server.process(True, 0.1) and packet.messages()[-1:] == [step])  # noqa: B023 - called at once
    assert step > 0
    peer.close()


def test_what_was_not_acknowledged_can_be(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(command: bytes) -> None:
        raise KeyboardInterrupt

    endpoint = net.server(process=False)._endpoint
    said: list[bytes] = []
    for acknowledge in (refuse, said.append):
        monkeypatch.setattr(endpoint._outbox, "acknowledge", acknowledge)
        with contextlib.suppress(KeyboardInterrupt):
            endpoint.acknowledge(1)
    assert len(said) == 1


def test_who_stops_does_not_wait_for_a_thread_that_is_about_to_be_started() -> None:
    _processing.join_thread(threading.Thread(), None)


def test_what_grpcio_locks_is_not_locked_in_the_main_thread(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    transport = net.server(process=False)._endpoint._host.transport
    threads: list[threading.Thread] = []

    def unary_unary(method: str, **_: Any) -> Any:
        return lambda request, **_: threads.append(threading.current_thread())

    monkeypatch.setattr(transport._channel, "unary_unary", unary_unary)
    transport.call("GetInfo", api.GetInfoRequest(), api.GetInfoResponse, WAIT)
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def interrupt(call: Callable[[], Any], step: int) -> bool:
    """Calls it, and interrupts it in that step, where a step is a call or a return: there, Python runs the handlers of
    signals. False: it has fewer."""
    left = step

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if event in ("call", "return"):
            left -= 1
            if left == -1:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    # RuntimeError: the interrupt of a condition's wait may itself be lost. TimedOutError: it was not interrupted.
    with contextlib.suppress(KeyboardInterrupt, RuntimeError, peng3dnet.errors.TimedOutError):
        sys.settrace(trace)
        try:
            call()
        finally:
            sys.settrace(before)
    return left < 0
