"""The layers of the converter: a library each, which only those to its right may use."""

load("@rules_python//python:py_library.bzl", "py_library")
load("//bazel:files.bzl", "package_files")

# As in tests/test_layers.py.
LAYERS = [
    "ir",
    "formats",
    "passes",
    "assemble",
    "export",
    "parity",
    "migration",
    "cli",
    "build_actions",
]

def _visible_to(layers):
    packages = ["//converter:__pkg__", "//scripts:__subpackages__", "//tests:__subpackages__"]
    return packages + ["//converter/%s:__pkg__" % layer for layer in layers]

def visible_to_layers_after(layer):
    """The visibility of what all layers to the right of `layer` may use."""
    return _visible_to(LAYERS[LAYERS.index(layer) + 1:])

def visible_to_all_layers():
    """The visibility of what every layer may use."""
    return _visible_to(LAYERS)

def layer_library(deps):
    """The library of a layer: all that is in its folder, named as the folder is.

    Args:
      deps: Other layers, and whatever else its files import.
    """
    name = native.package_name().split("/")[-1]
    py_library(
        name = name,
        srcs = native.glob(["**/*.py"]),
        # What pages and reports are made from.
        data = native.glob(
            ["**"],
            exclude = ["**/*.py", "**/*.pyc", "BUILD"],
        ),
        visibility = visible_to_layers_after(name),
        deps = deps + [
            "//converter:package",
            "@tf1hub_python//:expect_tensorflow_installed",
        ],
    )
    package_files()
