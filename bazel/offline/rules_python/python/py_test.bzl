"""The rule of this name that is part of Bazel 4."""

py_test = native.py_test
