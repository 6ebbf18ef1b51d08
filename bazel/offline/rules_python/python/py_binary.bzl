"""The rule of this name that is part of Bazel 4."""

py_binary = native.py_binary
