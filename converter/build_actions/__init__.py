"""The programs that Bazel's actions and tests run; `converter/defs.bzl` has the rules."""
