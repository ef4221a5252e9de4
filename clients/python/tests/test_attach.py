"""Attaching to a sidecar that somebody else runs: where it is, the token, TLS, and what is said if that fails."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import WAIT, eventually

import pengbridge
from pengbridge import Sidecar, _attach, _binary

TOKEN = "0123456789abcdef" * 4

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="file modes")


class Served:
    """A sidecar that was started by hand."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.tokens = token_file(folder, f"# whose\n{TOKEN} game full\n")
        self._ready = folder / "ready.json"
        command = [_binary.find(), "serve", "--token-file", str(self.tokens), "--ready-file", str(self._ready)]
        self.process = subprocess.Popen([*command, "--log-level", "error", *arguments])
        eventually(self._ready.exists, "the ready file")
        self.address: str = json.loads(self._ready.read_text())["address"]

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(WAIT)


def token_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "tokens"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture(params=["tcp", "unix"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path, "--listen", "127.0.0.1:0" if request.param == "tcp" else f"unix:{tmp_path}/s")
    yield made
    made.close()


def test_two_programs_share_a_sidecar(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_attach.ADDRESS_VARIABLE, served.address)
    monkeypatch.setenv(_attach.TOKEN_FILE_VARIABLE, str(served.tokens))
    with Sidecar.attach() as one, Sidecar.attach(served.address, served.tokens) as two:
        server = one.bind("127.0.0.1:0", ["t:a"])
        client = two.connect(server.address, ["t:a"])
        client.send("t:a", "hi")
        received = next(event for event in server if isinstance(event, pengbridge.Received))
        assert received.body == "hi"
        assert len(two.list_endpoints()) == 2
    assert served.process.poll() is None
    with Sidecar.attach() as three:
        eventually(lambda: not three.list_endpoints())  # each took its own along


def test_asyncio(served: Served) -> None:
    async def scenario() -> None:
        async with pengbridge.aio.Sidecar.attach(served.address, served.tokens) as sidecar:
            assert (await sidecar.info()).pid == served.process.pid
        with pytest.raises(pengbridge.SidecarError):
            await pengbridge.aio.Sidecar.attach(served.address, os.devnull)

    asyncio.run(scenario())


def test_a_sidecar_that_ends(served: Served) -> None:
    with Sidecar.attach(served.address, served.tokens) as sidecar:
        server = sidecar.bind("127.0.0.1:0", ["t:a"])
        served.close()
        assert isinstance(list(server)[-1], pengbridge.ShutDown)  # it says goodbye
        served.process.wait(WAIT)
        with pytest.raises(pengbridge.SidecarError):
            server.flush()


def test_a_sidecar_that_is_killed(served: Served) -> None:
    with Sidecar.attach(served.address, served.tokens) as sidecar:
        server = sidecar.bind("127.0.0.1:0", ["t:a"])
        served.process.kill()
        with pytest.raises(pengbridge.SidecarError):
            list(server)


def test_a_token_that_is_not_taken(served: Served, tmp_path: Path) -> None:
    wrong = token_file(tmp_path, "f" * 64)
    with pytest.raises(pengbridge.PermissionDeniedError) as caught:
        Sidecar.attach(served.address, wrong)
    assert caught.value.reason == "NO_TOKEN"


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(pengbridge.DeadlineExceededError, match=r"127\.0\.0\.1:1 does not answer within 0\.2 s: .*refused"):
        Sidecar.attach("127.0.0.1:1", token_file(tmp_path, TOKEN), timeout=0.2)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_tls(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *request.split(), *names], check=True, capture_output=True)
    tls = ["--tls-cert", str(certificate), "--tls-key", str(key)]
    served = Served(tmp_path, "--listen", "127.0.0.1:0", *tls)
    try:
        with Sidecar.attach(served.address, served.tokens, ca_file=certificate) as sidecar:
            server = sidecar.bind("127.0.0.1:0")
            assert isinstance(server.next_event(WAIT), pengbridge.Initialized)
        with pytest.raises(pengbridge.SidecarError, match="do not agree on TLS"):
            Sidecar.attach(served.address, served.tokens, timeout=0.5)
    finally:
        served.close()
    choosy = Served(tmp_path, "--listen", "0.0.0.0:0", *tls, "--tls-client-ca", str(certificate))
    try:
        address = f"localhost:{choosy.address.rpartition(':')[2]}"
        with Sidecar.attach(
            address, choosy.tokens, ca_file=certificate, certificate_file=certificate, key_file=key
        ) as sidecar:
            server = sidecar.bind("127.0.0.1:0")
            assert isinstance(server.next_event(WAIT), pengbridge.Initialized)
        with pytest.raises(pengbridge.SidecarError):
            Sidecar.attach(address, choosy.tokens, ca_file=certificate, timeout=0.5)
    finally:
        choosy.close()


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        (TOKEN, 0o644, "others can read"),
        ("", 0o600, "pengbridge token"),
        ("# only words\n\n", 0o600, "pengbridge token"),
        ("secret", 0o600, "pengbridge token"),
    ],
)
def test_token_files_that_are_none(tmp_path: Path, text: str, mode: int, message: str) -> None:
    with pytest.raises(pengbridge.SidecarError, match=message):
        Sidecar.attach("127.0.0.1:1", token_file(tmp_path, text, mode))


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_attach.ADDRESS_VARIABLE, raising=False)
    monkeypatch.delenv(_attach.TOKEN_FILE_VARIABLE, raising=False)
    with pytest.raises(pengbridge.SidecarError, match="PENGBRIDGE_ADDRESS"):
        Sidecar.attach()
    with pytest.raises(pengbridge.SidecarError, match="PENGBRIDGE_TOKEN_FILE"):
        Sidecar.attach("127.0.0.1:1")
    with pytest.raises(pengbridge.SidecarError, match="host:port or unix:/path"):
        Sidecar.attach("127.0.0.1", tmp_path)
    with pytest.raises(pengbridge.SidecarError, match="No such file"):
        Sidecar.attach("127.0.0.1:1", tmp_path / "nothing")
    with pytest.raises(pengbridge.SidecarError, match="not a regular file"):
        Sidecar.attach("127.0.0.1:1", os.devnull)
    tokens = token_file(tmp_path, TOKEN)
    with pytest.raises(pengbridge.SidecarError, match="go together"):
        Sidecar.attach("127.0.0.1:1", tokens, ca_file=tokens, certificate_file=tokens)
    with pytest.raises(pengbridge.SidecarError, match="No such file"):
        Sidecar.attach("127.0.0.1:1", tokens, ca_file=tokens, certificate_file=tokens, key_file=tmp_path / "nothing")
