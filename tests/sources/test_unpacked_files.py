import pytest

from converter import errors, limits
from converter.files.source_files import digest
from converter.sources.unpacked_files import Allowance, UnpackedFiles


@pytest.fixture
def files(tmp_path):
    return UnpackedFiles(tmp_path, Allowance(1000))


def pieces(*blocks):
    return map(memoryview, blocks)


def test_files_and_their_digest(files, tmp_path):
    files.add_folder("empty")
    files.add_file("m/b/c", 5, pieces(b"ab", b"cde"))
    files.add_file("m/a", 0, pieces())
    assert (tmp_path / "m/b/c").read_bytes() == b"abcde"
    assert files.names() == ["m/a", "m/b/c"]
    assert files.digest("m") == digest(tmp_path / "m")
    assert files.digest("") == digest(tmp_path)
    assert (tmp_path / "empty").is_dir()


@pytest.mark.parametrize("size", [1, 3])
def test_a_size_that_is_not_that_of_the_contents(files, size):
    with pytest.raises(errors.FormatError, match=f"has 2 bytes, expected {size}"):
        files.add_file("a", size, pieces(b"ab"))


def test_what_an_archive_says_counts_before_it_is_written(files, tmp_path):
    with pytest.raises(errors.UnsafeModuleError, match="would unpack to more than 268,435,456"):
        files.add_file("a", (1 << 28) + 1, pieces())
    assert not list(tmp_path.iterdir())


def test_the_sizes_of_all_files_count():
    allowance = Allowance(10_000_000)
    allowance.check(1_000_000_000)
    with pytest.raises(errors.UnsafeModuleError, match=r"has 10,000,000 bytes.*1,000,000,000\."):
        allowance.check(1_000_000_001)


def test_there_is_a_limit_for_the_largest():
    with pytest.raises(errors.UnsafeModuleError):
        Allowance(1 << 40).check(limits.MAX_UNPACKED_BYTES + 1)
