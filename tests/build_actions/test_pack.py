import argparse
import tarfile

from converter.build_actions import pack


def test_it_packs_the_directory(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/saved_model.pb").write_bytes(b"graph")
    parser = argparse.ArgumentParser()
    pack.add_arguments(parser)
    archive = tmp_path / "model.tar.gz"
    assert pack.run(parser.parse_args([str(tmp_path / "model"), str(archive)])) == 0
    with tarfile.open(archive) as members:
        assert members.getnames() == ["saved_model.pb"]
