"""The drop-in and the reference library, peng3dnet from PyPI, against each other: each server with each client."""
