"""TLS between our own peers. In the reference it does not work at all (defects F a to f)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from harness import WAIT, Echo, Net, Recorder, eventually

import pengbridge as peng3dnet

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")

ENABLED = {"net.ssl.enabled": True}
UNCHECKED = {"net.ssl.client.check_hostname": False, "net.ssl.client.force_verify": False}


class Certificate:
    """A certificate that signs itself: its file, its key's, and the settings of whom it belongs to."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file, self.key = str(folder / f"{name}.pem"), str(folder / f"{name}.key")
        request = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name}"
        command = ["openssl", *request.split(), "-addext", f"subjectAltName=DNS:{name}"]
        subprocess.run([*command, "-keyout", self.key, "-out", self.file], check=True, capture_output=True)
        self.server: dict[str, Any] = {
            **ENABLED,
            "net.ssl.server.certfile": self.file,
            "net.ssl.server.keyfile": self.key,
        }
        self.client = {"net.ssl.client.certfile": self.file, "net.ssl.client.keyfile": self.key}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def here(folder: Path) -> Certificate:
    return Certificate(folder, "localhost")


@pytest.fixture(scope="module")
def elsewhere(folder: Path) -> Certificate:
    """The certificate of a server with another name."""
    return Certificate(folder, "elsewhere")


@pytest.fixture(scope="module")
def player(folder: Path) -> Certificate:
    return Certificate(folder, "player")


def dial(net: Net, server: Any, cfg: dict[str, Any], **args: Any) -> Any:
    """A client that connects by the name that certificates have, which may fail."""
    address = ("localhost", server.sock.getsockname()[1])
    return net.client(address, cfg={**ENABLED, **cfg}, **args)


@pytest.mark.parametrize(
    ("settings", "level"),
    [
        ({}, peng3dnet.SSLSEC_SERVERAUTH),
        ({"net.ssl.client.force_verify": False}, peng3dnet.SSLSEC_SERVERAUTH),  # a name that nobody vouches for says nothing
        ({"net.ssl.client.check_hostname": False}, peng3dnet.SSLSEC_ENCRYPTED),
        (UNCHECKED, peng3dnet.SSLSEC_ENCRYPTED),
    ],
)
def test_f_echo(net: Net, here: Certificate, settings: dict[str, Any], level: int) -> None:
    class Protected(peng3dnet.packet.SmartPacket):
        min_sslsec_level = level

        def send(self, msg: Any, cid: int | None = None) -> None:
            allowed.append(msg)

    class Overprotected(Protected):
        min_sslsec_level = level + 1

    allowed: list[Any] = []
    packets = {"t:echo": Echo, "t:protected": Recorder, "t:more": Recorder}
    server = net.server(packets=packets, cfg=here.server)
    cfg = {"net.ssl.cafile": here.file, **settings}
    client = dial(net, server, cfg, packets={"t:echo": Recorder, "t:protected": Protected, "t:more": Overprotected})
    client.send_message("t:echo", "hi")
    eventually(lambda: client.registry.getObj("t:echo").messages() == ["hi"])
    client.send_message("t:protected", 1)
    client.send_message("t:more", 2)
    assert allowed == [1]
    assert client.ssl_seclevel == level
    assert server.clients[1].ssl_seclevel == peng3dnet.SSLSEC_ENCRYPTED


def refused(net: Net, server: Any, cfg: dict[str, Any], why: str) -> None:
    client = dial(net, server, cfg, run=False)
    client.runAsync()
    client.process_async()
    with pytest.raises(peng3dnet.ConnectionFailedError, match=why):
        client.wait_for_connection(WAIT)


def test_a_server_nobody_vouches_for_is_refused(net: Net, here: Certificate, elsewhere: Certificate) -> None:
    server = net.server(cfg=here.server)
    refused(net, server, {}, "unknown authority")
    refused(net, server, {"net.ssl.cafile": elsewhere.file}, "unknown authority")
    refused(net, server, {"net.ssl.cafile": elsewhere.file, "net.ssl.client.check_hostname": False}, "unknown authority")


def test_a_server_of_another_name(net: Net, elsewhere: Certificate) -> None:
    server = net.server(cfg=elsewhere.server)
    trusting = {"net.ssl.cafile": elsewhere.file}
    refused(net, server, trusting, "not localhost")
    dial(net, server, {**trusting, "net.ssl.client.check_hostname": False})


def test_fa_clients_with_certificates(net: Net, here: Certificate, player: Certificate, elsewhere: Certificate) -> None:
    server = net.server(cfg={**here.server, "net.ssl.cafile": player.file})
    client = dial(net, server, {"net.ssl.cafile": here.file, **player.client})
    assert client.ssl_seclevel == peng3dnet.SSLSEC_BOTHAUTH
    eventually(lambda: [c.ssl_seclevel for c in list(server.clients.values())] == [peng3dnet.SSLSEC_BOTHAUTH])
    for cfg in ({}, elsewhere.client):  # whether the server's alert or the end of its stream is seen first, is open
        refused(net, server, {"net.ssl.cafile": here.file, **cfg}, "certificate required|tlsfailed|socketclose|reset")


def test_clients_may_have_certificates(net: Net, here: Certificate, player: Certificate) -> None:
    settings = {"net.ssl.cafile": player.file, "net.ssl.server.force_verify": False}
    server = net.server(cfg={**here.server, **settings})
    dial(net, server, {"net.ssl.cafile": here.file})
    assert dial(net, server, {"net.ssl.cafile": here.file, **player.client}).ssl_seclevel == peng3dnet.SSLSEC_BOTHAUTH


def test_a_plain_client_is_refused(net: Net, here: Certificate) -> None:
    """It says nothing before it has heard the server, so only time tells."""
    server = net.server(cfg={**here.server, "net.limits.handshake_timeout": 0.5})
    client = net.client(server, run=False)
    client.runAsync()
    client.process_async()
    with pytest.raises(peng3dnet.ConnectionFailedError):
        client.wait_for_connection(WAIT)
    dial(net, server, {"net.ssl.cafile": here.file})


def test_a_renewed_certificate(net: Net, folder: Path) -> None:
    first, second = Certificate(folder, "localhost"), None
    trusted = folder / "first.pem"
    trusted.write_bytes(Path(first.file).read_bytes())
    server = net.server(cfg=first.server)
    client = dial(net, server, {"net.ssl.cafile": str(trusted)})
    second = Certificate(folder, "localhost")  # in the place of the first
    refused(net, server, {"net.ssl.cafile": str(trusted)}, "unknown authority|verif")
    dial(net, server, {"net.ssl.cafile": second.file})
    assert client.remote_state == peng3dnet.STATE_ACTIVE


def test_pings(here: Certificate) -> None:
    class PingServer(peng3dnet.ext.ping.PingableServerMixin, peng3dnet.Server):
        pass

    server = PingServer(addr=("127.0.0.1", 0), cfg=here.server)
    server.runAsync()
    server.process_async()
    try:
        address = ("localhost", server.sock.getsockname()[1])
        pong = peng3dnet.ext.ping.pingServer(addr=address, cfg={**ENABLED, "net.ssl.cafile": here.file}, timeout=WAIT)
        assert pong["delay"] >= 0
    finally:
        server.stop()
        server.join(WAIT)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "net.ssl.server.certfile"),
        ({"net.ssl.server.certfile": "c"}, "net.ssl.server.certfile and .keyfile"),
        ({"net.ssl.server.certfile": "c", "net.ssl.force": False}, "net.ssl.server.certfile and .keyfile"),
        ({"net.ssl.server.certfile": "/absent", "net.ssl.server.keyfile": "/absent"}, "certificate_file"),
        (
            {"net.ssl.server.certfile": "c", "net.ssl.server.keyfile": "k", "net.ssl.server.force_verify": True},
            "net.ssl.server.force_verify needs net.ssl.cafile",
        ),
    ],
)
def test_a_server_s_settings_that_make_no_sense(settings: dict[str, Any], named: str) -> None:
    server = peng3dnet.Server(addr=("127.0.0.1", 0), cfg={**ENABLED, **settings})
    with pytest.raises(ValueError, match=named):
        server.runAsync()


def test_paths_are_those_of_the_program(net: Net, here: Certificate, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net.server().stop()  # the sidecar runs in another folder, whatever comes now
    monkeypatch.chdir(folder)
    relative = {"net.ssl.server.certfile": "localhost.pem", "net.ssl.server.keyfile": "localhost.key"}
    server = net.server(cfg={**ENABLED, **relative})
    dial(net, server, {"net.ssl.cafile": "localhost.pem"})


def test_a_server_that_may_do_without(net: Net) -> None:
    with pytest.warns(UserWarning, match="TLS is off"):
        server = net.server(cfg={"net.ssl.enabled": True, "net.ssl.force": False})
    assert net.client(server).ssl_seclevel == peng3dnet.SSLSEC_NONE
