"""The digests of a SavedModel, as the journal keeps them."""

import subprocess
import sys

import msgspec
import pytest

from converter.migration.output_digests import OutputDigests


def test_they_are_read_as_they_were_written():
    digests = OutputDigests(model="m", record="r")
    assert msgspec.json.decode(msgspec.json.encode(digests), type=OutputDigests) == digests
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"model": "m"}', type=OutputDigests)


def test_the_process_that_watches_the_workers_reads_them_without_tensorflow():
    code = (
        "import sys, converter.migration.run\n"
        "sys.exit('converter.migration.output_digests' not in sys.modules"
        " or 'tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
