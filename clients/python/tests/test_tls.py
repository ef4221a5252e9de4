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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The settings of a server with a certificate for localhost that signs itself."""
    folder: Path = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    command = ["openssl", *request.split(), "-addext", names, "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    return {"net.ssl.enabled": True, "net.ssl.server.certfile": str(cert), "net.ssl.server.keyfile": str(key)}


@pytest.mark.parametrize(
    ("settings", "level"),
    [({}, peng3dnet.SSLSEC_ENCRYPTED), ({"net.ssl.client.force_verify": True}, peng3dnet.SSLSEC_SERVERAUTH)],
)
def test_echo(net: Net, certificate: dict[str, Any], settings: dict[str, Any], level: int) -> None:
    class Protected(peng3dnet.packet.SmartPacket):
        min_sslsec_level = level

        def send(self, msg: Any, cid: int | None = None) -> None:
            allowed.append(msg)

    allowed: list[Any] = []
    server = net.server(packets={"t:echo": Echo, "t:protected": Recorder}, cfg=certificate)
    cfg = {"net.ssl.enabled": True, "net.ssl.cafile": certificate["net.ssl.server.certfile"], **settings}
    client = net.client(server, packets={"t:echo": Recorder, "t:protected": Protected}, cfg=cfg)
    client.send_message("t:echo", "hi")
    eventually(lambda: client.registry.getObj("t:echo").messages() == ["hi"])
    client.send_message("t:protected", 1)
    assert allowed == [1]
    assert client.ssl_seclevel == level
    assert server.clients[1].ssl_seclevel == peng3dnet.SSLSEC_ENCRYPTED


def test_a_server_nobody_vouches_for_is_refused(net: Net, certificate: dict[str, Any]) -> None:
    server = net.server(cfg=certificate)
    client = net.client(server, cfg={"net.ssl.enabled": True, "net.ssl.client.force_verify": True}, run=False)
    client.runAsync()
    with pytest.raises(peng3dnet.ConnectionFailedError, match="certificate"):
        client.wait_for_connection(WAIT)


def test_a_server_without_a_certificate() -> None:
    server = peng3dnet.Server(addr=("127.0.0.1", 0), cfg={"net.ssl.enabled": True})
    with pytest.raises(ValueError, match="certfile"):
        server.runAsync()


def test_a_server_that_may_do_without(net: Net) -> None:
    with pytest.warns(UserWarning, match="TLS is off"):
        server = net.server(cfg={"net.ssl.enabled": True, "net.ssl.force": False})
    assert net.client(server).ssl_seclevel == peng3dnet.SSLSEC_NONE
