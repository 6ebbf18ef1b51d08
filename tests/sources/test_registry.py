import pytest
from sources.archive_makers import gz, tar_of

from converter import errors
from converter.sources.registry import KINDS, open_source
from converter.sources.source import Source


def test_every_kind_has_a_name_of_its_own_and_opens_something(tmp_path):
    archive = tmp_path / "a.tgz"
    archive.write_bytes(gz(tar_of(("saved_model.pb", b"x"))))
    specs = ("https://tfhub.dev/a/1", "a/b/tensorFlow1/c/1", "https://host/m", tmp_path, archive)
    opening = [next(kind for kind in KINDS if kind.recognizes(str(spec))) for spec in specs]
    assert tuple(opening) == KINDS


def test_a_source_that_is_open_is_yielded_and_stays_open(tmp_path):
    archive = tmp_path / "a.tgz"
    archive.write_bytes(gz(tar_of(("saved_model.pb", b"x"))))
    with open_source(archive) as source:
        with open_source(source) as same:
            assert same is source
        assert (source.directory / "saved_model.pb").is_file()


@pytest.mark.parametrize("name", ["gone", "gone.tar.gz", "a/b"])
def test_there_is_nothing(name, tmp_path):
    refused = pytest.raises(errors.UsageError, match=f"{name} does not exist")
    with refused, open_source(tmp_path / name):
        pass


def test_a_path_that_cannot_be_looked_at(tmp_path):
    refused = pytest.raises(errors.FormatError, match="cannot be read: File name too long")
    with refused, open_source(tmp_path / ("a" * 300)):
        pass


def test_errors_of_the_user_s_own_directory_are_left_alone(tmp_path):
    error = errors.FormatError(f"{tmp_path} is old")
    with pytest.raises(errors.FormatError) as caught, open_source(tmp_path):
        raise error
    assert caught.value is error


def test_a_source_is_a_value(tmp_path):
    assert Source(tmp_path, "a") == Source(tmp_path, "a")
