import sys

import pytest

from converter import errors
from converter.processes.custom_ops import check_installed, import_packages


@pytest.fixture
def package(tmp_path, monkeypatch):
    """`package(name, code)` makes a package that can be imported while the test runs."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name, code):
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    return make


def test_packages_are_imported_in_order(package):
    one = package("ops_one", "seen = []")
    two = package("ops_two", "import sys\nsys.modules['ops_one'].seen.append('two')")
    import_packages([one, two])
    assert sys.modules["ops_one"].seen == ["two"]


def test_it_does_nothing_because_no_package_is_named():
    import_packages([])


def test_a_package_that_is_not_there():
    with pytest.raises(errors.UsageError, match="'no_such_ops' of `import_ops`") as caught:
        import_packages(["no_such_ops"])
    assert caught.value.remedy == "Install it: pip install no-such-ops."


def test_a_package_that_fails_to_load(package):
    name = package("ops_bad", "raise OSError('undefined symbol\\nin line two')")
    with pytest.raises(errors.UsageError, match="undefined symbol") as caught:
        import_packages([name])
    assert "\n" not in str(caught.value)


def test_packages_that_are_installed():
    check_installed(["json", "concurrent.futures"])


@pytest.mark.parametrize("name", ["", "__main__x", "a b", "nowhere.at.all"])
def test_names_that_no_package_has(name):
    with pytest.raises(errors.UsageError, match="cannot be imported"):
        check_installed([name])
