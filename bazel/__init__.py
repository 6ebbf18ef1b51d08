"""The parts of the Bazel build that users do not load; they load `//converter:defs.bzl`."""
