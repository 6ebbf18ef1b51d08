"""The repositories that a WORKSPACE needs to use the converter; Bazel 7 and later read MODULE.bazel."""

load("@bazel_tools//tools/build_defs/repo:http.bzl", "http_archive")
load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//bazel:python_environment.bzl", "python_environment")

_RULES_PYTHON = "1.0.0"

# buildifier: disable=unnamed-macro
def tf1hub_repositories():
    """Declares `rules_python` and the Python environment, where the workspace has none yet.

    Load `py_repositories` from `@rules_python//python:repositories.bzl` and call it next.
    """
    maybe(
        http_archive,
        name = "rules_python",
        sha256 = "4f7e2aa1eb9aa722d96498f5ef514f426c1f55161c3c9ae628c857a7128ceb07",
        strip_prefix = "rules_python-" + _RULES_PYTHON,
        url = "https://github.com/bazelbuild/rules_python/releases/download/{0}/rules_python-{0}.tar.gz".format(_RULES_PYTHON),
    )
    maybe(python_environment, name = "tf1hub_python")
    native.register_toolchains("@tf1hub_python//toolchain")
