"""Every parity check has something to compare in a fixture."""

import converter
from conformance.coverage import assert_covered
from conformance.fixture_modules import GOLDEN
from converter.parity.checks import CHECKS
from converter.parity.verify import verify

# Small ones that have together what there is to compare: losses and gradients, assets, variables
# that a call changes, and numbers that are drawn.
_FIXTURES = ("dense_regularized", "table_file", "gan_spectral", "random_noise")
_EXEMPT = {
    "calls": "compares nothing unless a call fails; tests/parity/test_checks.py has such a call",
}


def test_every_check_compares_something_in_a_fixture(tmp_path):
    compared: set[str] = set()
    for name in _FIXTURES:
        converter.convert(GOLDEN / name / "module", tmp_path / name)
        report = verify(GOLDEN / name / "module", tmp_path / name, fresh_process=False)
        assert report.passed
        compared.update(row.check for row in report.rows)
    assert_covered({name for name, _ in CHECKS}, compared, _EXEMPT)
