"""What only the build with Bazel needs; users of the converter load `//converter:defs.bzl`."""
