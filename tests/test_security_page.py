"""SECURITY.md says what is so."""

import pathlib
import re

from converter.safety.op_table import Kind, read_table

_TEXT = (pathlib.Path(__file__).parents[1] / "SECURITY.md").read_text()


def test_its_program_reads_the_table():
    (program,) = re.findall(r"```python\n(.*?)```", _TEXT, re.DOTALL)
    values = {}
    exec(program, values)
    assert values["kinds"] == {op: found.kind.value for op, found in read_table().items()}


def test_it_shows_the_table_as_it_is():
    import tomllib

    (shown,) = re.findall(r"```toml\n(.*?)```", _TEXT, re.DOTALL)
    (group,) = tomllib.loads(shown)["group"]
    found = read_table()[group["ops"].split()[0]]
    assert (found.kind.value, found.reason) == (group["kind"], group["reason"])


def test_it_explains_every_kind():
    explained = re.findall(r"^\| `([a-z ]+)` \|", _TEXT, re.MULTILINE)
    kinds = {kind.value for kind in Kind} - {Kind.UNKNOWN.value}
    assert kinds <= set(explained)
