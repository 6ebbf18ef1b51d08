"""Trees of modules, and a migration of them in this process with jobs that need no TensorFlow."""

import pathlib
import shutil

import pytest
from migration.fake_jobs import migrate_by

from converter.migration.job import Job

_ROOT = pathlib.Path(__file__).parents[1]
_GOLDEN = _ROOT / "legacy_fixtures" / "golden"


@pytest.fixture
def tree(tmp_path):
    """`tree({path: fixture or None or text})` makes a tree: a fixture, a fake module, or a file."""
    root = tmp_path / "src"

    def make(places):
        root.mkdir(exist_ok=True)
        for path, content in places.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                place.mkdir()
                (place / "tfhub_module.pb").write_text(path)
            elif content.startswith("golden:"):
                shutil.copytree(_GOLDEN / content.removeprefix("golden:") / "module", place)
            else:
                place.write_text(content)
        return root

    return make


@pytest.fixture
def migrate(tmp_path, monkeypatch):
    """`migrate(source_root, **options)` migrates to `tmp_path / "dst"` with `fake_jobs.convert`."""
    monkeypatch.setenv("PYTHONPATH", str(_ROOT / "tests"))

    def call(source_root, **options):
        function = options.pop("job_function", "migration.fake_jobs:convert")
        return migrate_by(function, source_root, tmp_path / "dst", **{"workers": 2, **options})

    return call


@pytest.fixture
def make_job(tmp_path):
    """`make_job(path, **fields)` returns a job below `tmp_path`."""

    def make(path="a", **fields):
        staging = tmp_path / "dst/.tf1hub/staging/run"
        staging.mkdir(parents=True, exist_ok=True)
        defaults = {
            "path": path,
            "source": str(tmp_path / "src" / path),
            "destination": str(tmp_path / "dst" / path),
            "staging": str(staging / "0"),
            "parity_report": str(tmp_path / "dst/.tf1hub/parity" / f"{path}.json"),
        }
        return Job(**{**defaults, **fields})

    return make
