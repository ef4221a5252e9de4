"""Reads from an executable's first bytes which system and processor it is for."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_ELF_MACHINES = {62: "amd64", 183: "arm64"}
_MACHO_PROCESSORS = {0x01000007: "amd64", 0x0100000C: "arm64"}
_PE_MACHINES = {0x8664: "amd64", 0xAA64: "arm64"}

_ELF_INTERPRETER = 3  # PT_INTERP: the program wants a dynamic linker, and so a certain libc
_MACHO_BUILD_VERSION = 0x32  # LC_BUILD_VERSION


@dataclass(frozen=True)
class Executable:
    """What an executable demands.

    Attributes:
        system: the GOOS it is for.
        machine: the GOARCH it is for.
        dynamic: whether it needs a dynamic linker; only looked at for linux.
        minimum: the oldest release of the system it starts on, such as (12, 0); only known for darwin.
    """

    system: str
    machine: str
    dynamic: bool = False
    minimum: tuple[int, int] | None = None


def read(program: bytes) -> Executable:
    """Reads a 64-bit little-endian ELF, Mach-O or PE file.

    Raises:
        ValueError: it is none of these.
    """
    if program.startswith(b"\x7fELF\x02\x01"):
        return _elf(program)
    if program.startswith(b"\xcf\xfa\xed\xfe"):
        return _macho(program)
    if program.startswith(b"MZ"):
        (header,) = struct.unpack_from("<I", program, 0x3C)
        (machine,) = struct.unpack_from("<H", program, header + 4)
        return Executable("windows", _PE_MACHINES[machine])
    raise ValueError(f"no executable begins with {program[:8]!r}")


def _elf(program: bytes) -> Executable:
    (machine,) = struct.unpack_from("<H", program, 18)
    (table,) = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    kinds = {struct.unpack_from("<I", program, table + number * size)[0] for number in range(count)}
    return Executable("linux", _ELF_MACHINES[machine], dynamic=_ELF_INTERPRETER in kinds)


def _macho(program: bytes) -> Executable:
    (processor,) = struct.unpack_from("<I", program, 4)
    (count,) = struct.unpack_from("<I", program, 16)
    at, minimum = 32, None
    for _ in range(count):
        command, size = struct.unpack_from("<II", program, at)
        if command == _MACHO_BUILD_VERSION:
            (version,) = struct.unpack_from("<I", program, at + 12)
            minimum = (version >> 16, version >> 8 & 0xFF)
        at += size
    return Executable("darwin", _MACHO_PROCESSORS[processor], minimum=minimum)
