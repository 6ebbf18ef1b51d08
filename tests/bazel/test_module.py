import pathlib

from converter.version import __version__

_ROOT = pathlib.Path(__file__).parents[2]


def test_the_bazel_module_has_the_version_of_the_converter():
    assert f'version = "{__version__}",' in (_ROOT / "MODULE.bazel").read_text()
