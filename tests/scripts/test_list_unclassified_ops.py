"""`scripts/list_unclassified_ops`: what the table of ops lacks."""

import pytest
from op_safety import command

from converter.safety.op_table import read_table

pytestmark = pytest.mark.usefixtures("ops_of_tensorflow")


def test_there_is_nothing_to_do(capsys):
    assert command.main([]) == 0
    assert capsys.readouterr().out.startswith("0 ops of TensorFlow ")


def test_an_op_without_a_class_is_listed(capsys, monkeypatch):
    table = {op: known for op, known in read_table().items() if op != "ReadFile"}
    monkeypatch.setattr(command, "read_table", lambda: table)
    assert command.main([]) == 1
    line, summary = capsys.readouterr().out.splitlines()
    assert line.split("\t")[:2] == ["ReadFile", "stateless"]
    assert summary.startswith("1 ops of TensorFlow ")
