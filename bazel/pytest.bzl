"""Tests of pytest as Bazel's: one target for each folder of them."""

load("@rules_python//python:py_test.bzl", "py_test")

_MAIN = "//bazel:pytest_main.py"

def pytest_tests(data):
    """Declares `test_FOLDER` for each folder of the package, and `test_top_level` for its own files.

    Slow tests run where they are asked for: `--test_arg=-m --test_arg=slow`.

    Args:
      data: The project, tests included: files of tests import each other.
    """
    package = native.package_name()
    parts = {"top_level": []}
    for file in native.glob(["**/test_*.py"], exclude = ["browser/**"]):  # Those need Chromium.
        folder, slash, _ = file.partition("/")
        if not slash:
            parts["top_level"].append("%s/%s" % (package, file))
        else:
            parts.setdefault(folder, []).append("%s/%s" % (package, file))
    for name, files in parts.items():
        py_test(
            name = "test_" + name,
            size = "large",
            # All import TensorFlow, which takes its time where a machine is busy.
            timeout = "eternal",
            srcs = [_MAIN],
            args = files,
            data = data,
            legacy_create_init = 0,
            main = _MAIN,
            shard_count = min(1 + len(files) // 4, 4),
            deps = ["@tf1hub_python//:expect_test_packages_installed"],
        )
