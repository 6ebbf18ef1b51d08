"""The rule of this name that is part of Bazel 4."""

py_library = native.py_library
