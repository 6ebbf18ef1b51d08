"""The wheel carries what the package reads at run time."""

import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

_ROOT = pathlib.Path(__file__).parents[1]
_WEB = "converter/page/web"


@pytest.mark.slow
def test_the_wheel_carries_the_template_the_style_the_scripts_and_the_types_marker(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(_ROOT / "converter", source / "converter")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(_ROOT / name, source)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", str(tmp_path), str(source)],
        check=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    expected = {f"{_WEB}/{path.name}" for path in (_ROOT / _WEB).iterdir()}
    assert f"{_WEB}/page.html.j2" in expected
    expected |= {"converter/py.typed", "converter/safety/ops.toml"}
    expected |= {"converter/sources/tfhub_dev.toml"}
    assert expected <= set(zipfile.ZipFile(wheel).namelist())
