"""Handles of Kaggle through every door."""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest
from sources import hub_server
from sources.kaggle_server import DOWNLOAD, stored

import converter
from converter import errors
from converter.cli import early_checks
from converter.cli import main as cli
from converter.files.source_files import digest
from converter.migration.convert_job import convert_job
from converter.migration.job import Job
from converter.migration.module_list import read_module_list
from converter.migration.outcomes import Converted, Failed, UpToDate
from converter.migration.plan import _take_snapshot as take_snapshot
from converter.sources import kaggle_client

GOLDEN = pathlib.Path(__file__).parents[2] / "legacy_fixtures" / "golden"
TEXT = GOLDEN / "text_embedding_oov" / "module"
HANDLE = "google/nnlm/tensorFlow1/en-dim128/1"
PAGE = f"https://www.kaggle.com/models/{HANDLE}"


@pytest.fixture
def archive(tmp_path):
    return pathlib.Path(shutil.make_archive(str(tmp_path / "packed"), "gztar", TEXT)).read_bytes()


@pytest.fixture
def entry(kaggle, tmp_path):  # noqa: ARG001
    """The module in kagglehub's cache."""
    place = tmp_path / "kagglehub/models/google/nnlm/tensorFlow1/en-dim128/1"
    shutil.copytree(TEXT, place)
    place.with_name("1.complete").touch()
    return place


def run(capsys, *arguments):
    status = cli.main(cli.parse_arguments(["tf1hub", *map(str, arguments)]))
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_every_command_takes_it(client, archive, tmp_path, capsys):
    stored(client, archive)
    out = tmp_path / "out"
    code, shown, said = run(capsys, "inspect", HANDLE, "--json")
    assert (code, json.loads(shown)["source"]["name"]) == (0, HANDLE)
    assert f"tf1hub: downloading {HANDLE} from Kaggle" in said
    for spec in (HANDLE, PAGE, "https://tfhub.dev/google/nnlm-en-dim128/1"):
        assert json.loads(run(capsys, "scan", spec, "--json")[1])["source"] == HANDLE
        assert run(capsys, "debug", "passes", spec)[0] == 0
    assert run(capsys, "convert", HANDLE, out)[0] == 0
    assert run(capsys, "verify", HANDLE, out)[0] == 0
    assert len(client.asked) == 1


def test_the_record_says_where_it_is_from(client, archive, tmp_path):
    stored(client, archive)
    made = converter.convert(HANDLE, tmp_path / "out").record.source
    assert (made.name, made.digest) == (HANDLE, digest(TEXT))
    assert (made.origin.name, made.origin.handle) == (HANDLE, PAGE)
    assert made.origin.size_bytes == len(archive)
    # From the cache, it is the same to the byte.
    converter.convert(PAGE, tmp_path / "again")
    for file in (tmp_path / "out").rglob("*"):
        if file.is_file():
            other = tmp_path / "again" / file.relative_to(tmp_path / "out")
            assert file.read_bytes() == other.read_bytes(), file


def test_an_error_leaves_nothing(client, tmp_path, capsys):
    client.answer(DOWNLOAD, hub_server.status(403))
    code, shown, said = run(capsys, "convert", HANDLE, tmp_path / "results" / "out")
    assert (code, shown) == (1, "")
    assert said.splitlines()[-1].startswith(
        f"tf1hub: error: Kaggle does not let you download {HANDLE}"
    )
    assert not (tmp_path / "results").exists()
    assert not (tmp_path / "kagglehub").exists()


def test_a_destination_in_use_is_found_before_the_download(client, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").touch()
    with pytest.raises(errors.DestinationError, match="exists already"):
        converter.convert(HANDLE, tmp_path / "out")
    assert client.asked == []


@pytest.mark.usefixtures("entry")
def test_a_migration_takes_a_list_of_them(tmp_path):
    """Workers are other processes, which have no server to ask."""
    root, listed = tmp_path / "src", tmp_path / "list"
    shutil.copytree(TEXT, root / "mine/text/tensorFlow1/a")
    lines = [HANDLE, "google/nnlm/TensorFlow1/en-dim128/1/", PAGE, "mine/text/tensorFlow1/a"]
    listed.write_text("\n".join(lines) + "\n")

    def migrate():
        report = converter.migrate(root, tmp_path / "dst", workers=1, from_list=listed)
        return {outcome.path: type(outcome) for outcome in report.outcomes}

    places = [HANDLE, f"www.kaggle.com/models/{HANDLE}", "mine/text/tensorFlow1/a"]
    assert migrate() == dict.fromkeys(places, Converted)
    assert (tmp_path / "dst" / HANDLE / "saved_model.pb").is_file()
    assert migrate() == dict.fromkeys(places, UpToDate)


def test_the_newest_version_is_looked_at_in_each_run(tmp_path):
    listed = tmp_path / "list"
    listed.write_text("google/nnlm/tensorFlow1/en-dim128\n")
    (item,) = read_module_list(listed, tmp_path).candidates
    assert (item.path, item.source) == (HANDLE.removesuffix("/1"), PAGE.removesuffix("/1"))
    assert take_snapshot(item.source) != take_snapshot(item.source)
    assert take_snapshot(PAGE) == take_snapshot(PAGE)


def test_a_job_that_cannot_download_is_tried_again_in_the_next_run(client, tmp_path):
    client.answer(DOWNLOAD, hub_server.status(404))
    (tmp_path / "dst" / ".tf1hub").mkdir(parents=True)
    outcome = convert_job(
        Job(
            path="m", source=PAGE, destination=str(tmp_path / "dst" / "m"),
            staging=str(tmp_path / "dst" / ".tf1hub" / "0"),
            parity_report=str(tmp_path / "dst" / ".tf1hub" / "m.json"),
        )
    )  # fmt: skip
    assert isinstance(outcome, Failed)
    assert outcome.error.message == f"there is no {HANDLE} on Kaggle"


@pytest.mark.usefixtures("without_kagglehub", "kaggle")
@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (HANDLE, "kagglehub, which downloads from there, is not installed"),
        (PAGE, "kagglehub, which downloads from there, is not installed"),
        ("https://www.kaggle.com/models/google/elmo", "does not name a variation"),
        ("https://www.kaggle.com/code/x", "is not the address of a model on Kaggle"),
    ],
)
def test_what_is_wrong_is_said_before_tensorflow_is_imported(spec, message):
    for check in (early_checks.check_module, early_checks.check_source):
        with pytest.raises(errors.ConversionError, match=message):
            check(spec)


@pytest.mark.usefixtures("without_kagglehub")
def test_what_is_in_the_cache_needs_no_kagglehub(entry):
    early_checks.check_module(HANDLE)
    early_checks.check_source(PAGE)
    assert converter.inspect(HANDLE).source.digest == digest(entry)


@pytest.mark.slow
@pytest.mark.usefixtures("entry")
def test_a_process_of_its_own(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "converter", "convert", HANDLE, str(tmp_path / "out"), "--verify"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "saved_model.pb").is_file()


@pytest.mark.skipif(kaggle_client.is_installed(), reason="it would use the network")
@pytest.mark.slow
def test_a_process_without_kagglehub():
    done = subprocess.run(
        [sys.executable, "-m", "converter", "inspect", "google/elmo/tensorFlow1/elmo/3"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "kagglehub" in done.stderr
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
