from converter.sources.directory import Directory
from converter.sources.source import Surroundings


def test_a_directory_is_read_where_it_lies(tmp_path, remote):
    for place in (tmp_path, remote):
        assert Directory().recognizes(place)
        with Directory().open(place, Surroundings()) as source:
            assert (source.directory, source.name) == (place, str(place))
            assert (source.origin, source.known_digest, source.is_private) == (None, None, False)


def test_what_is_not_a_directory(tmp_path):
    (tmp_path / "file").touch()
    assert not Directory().recognizes(tmp_path / "file")
    assert not Directory().recognizes(tmp_path / "none")
