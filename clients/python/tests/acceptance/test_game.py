"""A game built the way large programs use the library, on both: what everybody sees is the same."""

from __future__ import annotations

from contextlib import ExitStack, closing

import pytest
from interop.peer import OURS, REFERENCE

from .game import Program

pytestmark = pytest.mark.reference

# What the reference gets wrong: (who prints it, what it may print) -> what it should. Nothing else is forgiven.
CORRECTED = {
    # A server forgets why it closes a connection (15), and pings do not tell it (23).
    ("server", "classic left: None"): "classic left: wrongversion",
    ("server", "Ben left: None"): "Ben left: kicked",
    ("server", "Dora left: None"): "Dora left: notadmin",
    ("server", "Anna left: None"): "Anna left: adminshutdown",
    ("server", "ping left: None"): "ping left: pingcomplete",
    # Two of a client's threads race for the reason of a close (15).
    ("old", "closed: socketclose"): "closed: wrongversion",
    ("Ben", "closed: socketclose"): "closed: kicked",
    ("Dora", "closed: socketclose"): "closed: notadmin",
    ("Anna", "closed: socketclose"): "closed: adminshutdown",
    # A client does not hear its own reason (14).
    ("Cleo", "closed: socketclose"): "closed: bye",
    ("Eve", "closed: socketclose"): "closed: smartpacketinvalid",
    ("spectator", "closed: socketclose"): "closed: bye",
}


def played(library: str) -> dict[str, list[str]]:
    """Plays the game, and returns what everybody printed."""
    everybody: dict[str, Program] = {}
    with ExitStack() as running:

        def run(name: str, script: str, *arguments: object) -> Program:
            everybody[name] = running.enter_context(closing(Program(library, script, *arguments)))
            return everybody[name]

        server = run("server", "game_server.py")
        port = server.next_line()
        server.lines.clear()

        old = run("old", "game_client.py", port, "old")
        server.prints("classic left: wrongversion" if library == OURS else "classic left: None")
        old.ends()

        def enter(name: str, password: str) -> Program:
            player = run(name, "game_client.py", port, "play")
            player.prints("connected", "the server has version 3, welcome")
            if name == "Anna":
                player.types("say is anybody here?")
                server.prints("nobody hears: is anybody here?")
                player.types("login Anna wrong")
                player.prints("wrong password")
            player.types(f"login {name} {password}")
            server.prints(f"{name} is shown the lobbies")
            return player

        anna = enter("Anna", "secret")
        anna.prints("logged in as Anna", "lobbies: []")
        ben = enter("Ben", "12345")
        ben.prints("logged in as Ben", "lobbies: []")
        ben.types("join north")
        ben.prints("1 moves made", "Ben is at (1, 1)")
        cleo = enter("Cleo", "")
        cleo.prints("lobbies: ['north']")

        spectator = run("spectator", "game_client.py", port, "watch")
        server.prints("a spectator has come")
        spectator.types("watch north")
        server.prints("a spectator watches north")
        spectator.types("say hurra")
        server.prints("a spectator may not speak")

        cleo.types("join north")
        for watching in (ben, cleo):
            watching.prints("Cleo is at (1, 1)")
        spectator.prints("seen: Cleo at (1, 1)")
        ben.types("move 3 -5")
        for watching in (ben, cleo):
            watching.prints("Ben is at (4, -4)")
        spectator.prints("seen: Ben at (4, -4)")
        ben.types("stumble")
        ben.prints("refused: MovePacket needs dx, dy")
        server.types("start")
        for player in (ben, cleo):
            player.prints("starts in 2", "starts in 1", "go")
        for author, text in ((cleo, "Grüße 🐧"), (anna, "from the lobby")):
            author.types(f"say {text}")
            for reader in (anna, ben, cleo):
                reader.prints(f"<{'Anna' if author is anna else 'Cleo'}> {text}")
        server.types("say five minutes left")
        for reader in (anna, ben, cleo):
            reader.prints("<operator> five minutes left")
        cleo.types("map 5")
        cleo.prints("the map has 1000 tiles, 200 of them different")
        cleo.types("map 100")
        cleo.prints("the map has 20000 tiles, 200 of them different")
        ben.types("mumble")
        server.prints("starts in whatever")

        asking = run("asking", "game_client.py", port, "ask")
        asking.ends()
        server.prints("ping left: pingcomplete" if library == OURS else "ping left: None")

        eve = run("Eve", "game_client.py", port, "play")
        eve.prints("connected", "the server has version 3, welcome")
        eve.types("move 1 1")  # she is in no game: her own rule closes the connection
        server.prints("classic left: smartpacketinvalid")
        eve.ends()
        dora = enter("Dora", "d")
        dora.prints("lobbies: ['north']")
        dora.types("order bomb")
        server.prints("Dora left: notadmin" if library == OURS else "Dora left: None")
        dora.ends()
        server.types("kick Ben")
        server.prints("Ben left: kicked" if library == OURS else "Ben left: None")
        ben.ends()
        for leaving, left in ((cleo, "Cleo left: bye"), (spectator, "game:watch left: bye")):
            leaving.types("leave")
            server.prints(left)
            leaving.ends()
        anna.types("order shutdown")
        server.prints("the order is carried out")
        server.ends()
        anna.ends()
    return {name: [CORRECTED.get((name, line), line) for line in program.lines] for name, program in everybody.items()}


def test_the_same_game() -> None:
    expected = played(REFERENCE)
    assert sum(map(len, expected.values())) > 80
    assert played(OURS) == expected
