"""The peng3dnet release that this package stands in for. The package's own version is pengbridge.__version__."""

from __future__ import annotations

__all__ = ["PROTOVERSION", "RELEASE", "VERSION"]

VERSION = "0.2.0"
RELEASE = "0.2.0"
PROTOVERSION = 2
