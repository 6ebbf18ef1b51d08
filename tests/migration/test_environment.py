"""Where a migration runs is in its journal."""

import json
import platform
import subprocess
import sys

from converter.migration.environment import describe_environment
from converter.migration.journal import read_journal


def test_the_machine_and_the_versions_are_described():
    facts = describe_environment()
    assert facts["Python"] == platform.python_version()
    assert facts["TensorFlow"].startswith("2.")
    assert facts["memory"].endswith(" GiB")
    assert all(facts.values())


def test_nothing_large_is_imported_for_it():
    program = (
        "import sys; from converter.migration.environment import describe_environment as d; d();"
        "print('tensorflow' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert told.stdout == "False\n"


def test_a_run_tells_it_and_journals_without_it_are_read(tmp_path, tree, migrate):
    migrate(tree({"a/ok": None}))
    journal = tmp_path / "dst/.tf1hub/journal.jsonl"
    first, *rest = journal.read_text().splitlines()
    event = json.loads(first)
    assert event.pop("environment") == describe_environment()
    journal.write_text("\n".join([json.dumps(event), *rest, ""]))
    assert read_journal(tmp_path / "dst").runs[0].started.environment == {}
