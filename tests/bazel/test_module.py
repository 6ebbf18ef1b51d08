import pathlib
import re

from converter.version import __version__

_ROOT = pathlib.Path(__file__).parents[2]


def test_the_bazel_module_has_the_version_of_the_converter():
    assert f'version = "{__version__}",' in (_ROOT / "MODULE.bazel").read_text()


def test_the_versions_of_all_dependencies_are_in_the_cache_key():
    rule = (_ROOT / "bazel/python_environment.bzl").read_text()
    project = (_ROOT / "pyproject.toml").read_text()
    wanted = re.search(r"^dependencies = \[(.*?)^\]", project, re.M | re.S)[1]
    given = re.search(r"^_PACKAGES = \[(.*?)\]", rule, re.M)[1]
    names = set(re.findall(r'"([\w-]+)[^;"]*"', wanted))  # Without those of old Pythons only.
    assert set(re.findall(r'"([\w-]+)"', given)) == names | {"protobuf"}
