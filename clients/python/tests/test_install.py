"""The package under the names of peng3dnet, and in its place."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pengbridge

SOURCE = str(Path(pengbridge.__file__).parents[1])


def run(code: str) -> subprocess.CompletedProcess[str]:
    program = f"import sys; sys.path.insert(0, {SOURCE!r})\n{textwrap.dedent(code)}"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)


def test_install() -> None:
    done = run("""
        import pengbridge
        pengbridge.install()
        pengbridge.install()
        import peng3dnet, peng3dnet.net, peng3dnet.packet.internal, peng3dnet.ext.ping, peng3dnet.ext.mpgame
        from peng3dnet.constants import *
        from peng3dnet import Server, util, errors
        assert peng3dnet is pengbridge
        assert peng3dnet.net.Server is Server is pengbridge.Server
        assert peng3dnet.packet.internal.HelloPacket.state == STATE_HELLOWAIT
        assert errors.TimedOutError is pengbridge.TimedOutError
    """)
    assert done.stderr == ""


def test_install_refuses_to_mix() -> None:
    done = run("""
        import types
        sys.modules["peng3dnet"] = types.ModuleType("peng3dnet")
        import pengbridge
        pengbridge.install()
    """)
    assert "ImportError: peng3dnet itself was imported before" in done.stderr


def test_importing_starts_nothing() -> None:
    done = run("""
        import threading
        import pengbridge
        from pengbridge import _host
        assert threading.active_count() == 1
        assert "pengbridge" not in str(_host._shared._host)
        server = pengbridge.Server()
        assert threading.active_count() == 1
    """)
    assert done.stderr == ""


def test_star_import_gives_every_documented_name() -> None:
    done = run("""
        from pengbridge import *
        Server, Client, ClientOnServer, STATE_ACTIVE, PacketRegistry, VERSION, net, ext, ping, packet, install
    """)
    assert done.stderr == ""
