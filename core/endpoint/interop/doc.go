// Package interop tests this project's endpoints against the reference library, release 0.1.3a0 of peng3dnet from PyPI, which
// runs as a black box in a process of its own.
//
// The tests are built with the tag "interop" only: they need a Python in which the reference is installed. `make
// interop-env` makes one; the environment variable PENGBRIDGE_REFERENCE_PYTHON names another.
package interop
