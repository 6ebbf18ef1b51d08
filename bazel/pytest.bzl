"""Tests of pytest as Bazel's: one target for each file."""

load("@rules_python//python:py_test.bzl", "py_test")
load("//bazel:files.bzl", "package_files")

_MAIN = "//bazel:pytest_main.py"

_TIMEOUTS = {
    "small": "moderate",
    "medium": "long",
    "large": "long",
    "enormous": "eternal",
}

def _pytest_test(name, file, deps, data, size, marker = None, **kwargs):
    py_test(
        name = name,
        srcs = [file, _MAIN],
        args = ["%s/%s" % (native.package_name(), file)] + (["-m", marker] if marker else []),
        data = data + ["//:pyproject.toml"],
        legacy_create_init = 0,
        main = _MAIN,
        # Each imports TensorFlow, which takes its time where a machine is busy.
        timeout = _TIMEOUTS[size],
        size = size,
        deps = deps + ["@tf1hub_python//:expect_test_packages_installed"],
        **kwargs
    )

def pytest_tests(deps, data = [], size = "small", files = {}, marker = None):
    """Declares a target `test_x` for each file `test_x.py` of the package.

    Tests with the marker `slow` are the target `test_x_slow`, of the files that `files` says have
    some. Such targets are `manual`.

    Args:
      deps: What the tests import, and their conftest.
      data: Files that they read.
      size: Bazel's size of a test.
      files: By name without `.py`, what is special to a file: `size`, `shard_count`, more `deps` and
        `data`, `visibility`, and `slow`: True if it has slow tests, "only" if it has no others.
      marker: Of pytest, which all tests of the package have that are not slow; they are `manual`.
    """
    names = [file[:-len(".py")] for file in native.glob(["test_*.py"])]
    for name in files:
        if name not in names:
            fail("there is no %s.py" % name)
    for name in names:
        special = dict(files.get(name, {}))
        slow = special.pop("slow", False)
        target = dict(
            file = name + ".py",
            deps = deps + special.pop("deps", []),
            data = data + special.pop("data", []),
        )
        if slow != "only":
            if marker:
                special["tags"] = ["manual"]
            _pytest_test(
                name = name,
                size = special.pop("size", size),
                marker = marker,
                **dict(target, **special)
            )
        if slow:
            _pytest_test(name = name + "_slow", marker = "slow", size = "enormous", tags = ["manual"], **target)
    package_files()
