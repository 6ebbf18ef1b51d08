"""What `scripts/fuzz_modules` found once: each mutant is refused in one line, or equals V1."""

import pytest
from module_fuzzing import regressions
from module_fuzzing.judgement import FINDING
from module_fuzzing.judging import judge

_FOUND = regressions.list_all()


@pytest.mark.parametrize("directory", _FOUND, ids=[directory.name for directory in _FOUND])
def test_it_is_mended(directory, tmp_path):
    mutant, values = regressions.read(directory)
    judgement = judge(mutant, tmp_path)
    assert judgement.state != FINDING, f"{judgement.message}\n{judgement.details}"
    assert judgement.state == values["outcome"], judgement.message
