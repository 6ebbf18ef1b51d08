"""The rule of this name that is part of Bazel 4."""

py_runtime = native.py_runtime
