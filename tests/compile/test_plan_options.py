import subprocess
import sys

import pytest

from converter.compile.plan_options import PlanOptions


def test_options_are_imported_without_tensorflow():
    program = "import sys, converter.compile.plan_options; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_options_go_by_name():
    with pytest.raises(TypeError):
        PlanOptions(["train"])
    assert PlanOptions(tags=["train"]).training_tags is None
