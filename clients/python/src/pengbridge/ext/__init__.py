"""Extensions: pings, and room for more."""

from __future__ import annotations

from . import mpgame, ping

__all__ = ["mpgame", "ping"]
