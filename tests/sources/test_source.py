import pathlib

from converter.files.source_files import digest
from converter.sources.source import Source


def test_the_digest_is_that_of_the_files_unless_it_is_known(golden_module):
    module = golden_module("half_plus_two")
    assert Source(module, "half").digest() == digest(module)
    assert Source(pathlib.Path("/nowhere"), "half", known_digest="abc").digest() == "abc"
