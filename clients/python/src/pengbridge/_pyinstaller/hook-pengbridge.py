"""PyInstaller runs this when a program imports pengbridge: the binary goes where the frozen package looks for it."""

from pengbridge import _binary

binaries = [(_binary.find(), "pengbridge/_bin")]
