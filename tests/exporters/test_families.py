"""The table of `docs/export.md`: what is exported, how near, and what is in the way."""

import pathlib
import re

import pytest

import converter
from converter.cli.export import parse_shape
from converter.exporters.formats import FORMATS

_PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "export.md").read_text()
_ROWS = re.findall(
    r"^\| (?P<family>[\w ]+) \| `(?P<module>\w+)` \| (?:`(?P<shapes>[^`]+)` )?\|"
    r" (?P<onnx>[^|]+) \| (?P<litert>[^|]+) \|$",
    _PAGE,
    re.M,
)
# Other versions of the exporters and other machines round in another way.
_MARGIN = 20
_CASES = [
    pytest.param(
        module, shapes, each, cell, id=f"{each.name}-{module}{'-fixed' if shapes else ''}",
        marks=pytest.mark.slow,
    )
    for _, module, shapes, *cells in _ROWS
    for each, cell in zip(FORMATS, cells, strict=True)
]  # fmt: skip


def test_the_table_has_all_families():
    assert {family for family, *_ in _ROWS} == {
        "image", "text with a table", "BERT", "ELMo", "LSTM", "GAN", "flow", "detector",
        "sparse input",
    }  # fmt: skip


@pytest.mark.parametrize(("module", "shapes", "each", "cell"), _CASES)
def test_a_family(module, shapes, each, cell, converted, tmp_path, record_property):
    for package in each.packages:
        pytest.importorskip(package, reason=f"{package} is not installed: see docs/export.md")
    options = {"to": each.name, "shapes": dict(map(parse_shape, shapes.split()))}
    if cell.startswith("`"):
        with pytest.raises(converter.UnsupportedOpError, match=rf"because of .*{cell.strip('`')}"):
            converter.export_model(converted(module), tmp_path / "out", **options)
        return
    record = converter.export_model(converted(module), tmp_path / "out", **options)
    assert record.verdict == "equal"
    worst = max(output.worst_abs for output in record.outputs.values())
    assert worst <= _MARGIN * float(cell)
    record_property("worst_abs", worst)
