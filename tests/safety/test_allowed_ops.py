import subprocess
import sys

from converter.safety.allowed_ops import NONE, AllowedOps


def test_nothing_is_let_through_by_default():
    assert AllowedOps((), unknown=False) == NONE


def test_they_are_imported_without_tensorflow():
    program = "import sys, converter.safety.allowed_ops; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
