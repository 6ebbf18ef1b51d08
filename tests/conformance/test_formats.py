"""Every format reads a fixture."""

from conformance.coverage import assert_covered
from conformance.fixture_modules import module_paths
from converter.formats.registry import FORMATS, read_module

_EXEMPT: dict[str, str] = {}


def test_every_format_reads_a_fixture():
    names = {candidate.name for candidate in FORMATS}
    found: set[str] = set()
    for path in module_paths():
        found.add(read_module(path).format)
        if names <= found:
            break
    assert_covered(names, found, _EXEMPT)
