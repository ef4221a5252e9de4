"""The API for new programs, for asyncio, against the sidecar."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from harness import WAIT, eventually

import pengbridge
from pengbridge import aio

PACKETS = ["t:a", "t:b"]


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, WAIT))


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[aio.ServerEndpoint, aio.ClientEndpoint]]:
    """A server and a client of it, in a sidecar of their own."""
    async with (
        aio.Sidecar.spawn() as sidecar,
        sidecar.bind("127.0.0.1:0", PACKETS) as server,
        sidecar.connect(server.address, PACKETS) as client,
    ):
        yield server, client


async def until(endpoint: aio.ServerEndpoint | aio.ClientEndpoint, kind: type[pengbridge.Event]) -> Any:
    while not isinstance(event := await endpoint.next_event(WAIT), kind):
        pass
    return event


def test_a_life_from_both_sides() -> None:
    async def serve(server: aio.ServerEndpoint) -> None:
        async for event in server:
            match event:
                case pengbridge.Received(packet="t:a"):
                    server.send(event.connection_id, "t:b", event.body + 1)
                case pengbridge.Closed(reason="done"):
                    await server.shutdown()

    async def ask(client: aio.ClientEndpoint) -> list[Any]:
        for number in range(100):
            client.send("t:a", number)
        bodies = []
        async for event in client:
            if isinstance(event, pengbridge.Received):
                bodies.append(event.body)
                if len(bodies) == 100:
                    client.close("done")
        return bodies

    async def scenario() -> None:
        async with pair() as (server, client):
            _, bodies = await asyncio.gather(serve(server), ask(client))
            assert bodies == list(range(1, 101))
            assert server.ended
            with pytest.raises(pengbridge.EndpointStoppedError):
                await server.next_event()

    run(scenario())


def test_everything_else_is_there() -> None:
    async def scenario() -> None:
        async with aio.Sidecar.spawn() as sidecar:
            options = pengbridge.EndpointOptions(deferred_start=True)
            server = await sidecar.bind("127.0.0.1:0", PACKETS, options, ping=pengbridge.PingOptions({"a": 1}))
            await server.start()
            await server.register("t:c")
            await server.register_conntypes(pengbridge.Conntype("t:raw"))
            assert (await sidecar.ping(server.address)).data["a"] == 1
            client = await sidecar.connect(server.address, [*PACKETS, "t:c"])
            assert client.remote_address == server.address
            await client.flush()
            assert len(await server.list_connections()) == 1
            assert len(await sidecar.list_endpoints()) == 2
            assert (await sidecar.info()).scope == "full"
            assert isinstance(server.poll(1)[0], pengbridge.Initialized)
            await client.stop()
            with pytest.raises(pengbridge.HandshakeError):
                await sidecar.connect(server.address, ["t:other"])

    run(scenario())


@pytest.mark.parametrize("name", ["Sidecar", "ServerEndpoint", "ClientEndpoint"])
def test_it_has_the_names_and_parameters_of_the_other_flavour(name: str) -> None:
    threads, loop = getattr(pengbridge, name), getattr(aio, name)
    public = {member for member in dir(threads) if not member.startswith("_")}
    assert {member for member in dir(loop) if not member.startswith("_")} == public
    for member in public:
        if inspect.isfunction(getattr(threads, member)):
            expected, found = (inspect.signature(getattr(kind, member)) for kind in (threads, loop))
            assert list(found.parameters.values()) == list(expected.parameters.values()), member


def test_a_wait_that_is_cancelled_loses_no_event() -> None:
    async def scenario() -> None:
        async with pair() as (server, client):
            await until(server, pengbridge.HandshakeCompleted)
            with pytest.raises(TimeoutError):
                await server.next_event(0.01)
            for number in range(50):
                waiting = asyncio.ensure_future(server.next_event())
                await asyncio.sleep(0)
                client.send("t:a", number)
                waiting.cancel()
                assert (await until(server, pengbridge.Received)).body == number

    run(scenario())


def test_a_flood_of_events_leaves_the_loop_to_others() -> None:
    async def scenario() -> None:
        async with pair() as (server, client):
            for number in range(2000):
                client.send("t:a", number)
            await client.flush()
            turns = 0

            async def other() -> None:
                nonlocal turns
                while True:
                    turns += 1
                    await asyncio.sleep(0)

            task = asyncio.ensure_future(other())
            while (await until(server, pengbridge.Received)).body < 1999:
                pass
            task.cancel()
            assert turns >= 2000 // 64

    run(scenario())


def test_what_is_cancelled_while_it_is_made_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    made = threading.Event()
    bind = pengbridge.Sidecar.bind

    def slow(*args: Any, **options: Any) -> pengbridge.ServerEndpoint:
        assert made.wait(WAIT)
        return bind(*args, **options)

    monkeypatch.setattr(pengbridge.Sidecar, "bind", slow)

    async def scenario() -> None:
        async with aio.Sidecar.spawn() as sidecar:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(sidecar.bind("127.0.0.1:0"), 0.01)
            made.set()
            while not await sidecar.list_endpoints():  # it is being made all the same
                await asyncio.sleep(0)
            while await sidecar.list_endpoints():
                await asyncio.sleep(0)

    run(scenario())


def test_events_after_the_loop_do_no_harm() -> None:
    sidecars: list[Any] = []

    async def scenario() -> None:
        sidecar = await aio.Sidecar.spawn()
        sidecars.append((sidecar, await sidecar.bind("127.0.0.1:0", PACKETS)))

    run(scenario())
    sidecar, server = sidecars[0]
    server.interrupt()
    eventually(lambda: any(isinstance(event, pengbridge.Interrupted) for event in server.poll()))
    asyncio.run(sidecar.close())
