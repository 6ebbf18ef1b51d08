import pytest

from converter.ir.op_facts import REF_TABLE_OPS
from converter.ir.text import parse_graph
from converter.safety.op_rules import RULED_OPS, find_danger
from converter.safety.op_table import Kind, classify, read_table

_PASSWORDS = 'Const[dtype=string, value={tensor { dtype: DT_STRING string_val: "/etc/passwd" }}]()'
_FILL = "InitializeTableFromTextFileV2(t, name)"


def _danger(text, name="y"):
    nodes = parse_graph(text).nodes
    return find_danger(nodes[name], nodes)


def test_rules_are_for_ops_that_are_safe_in_general():
    assert all(classify(op).kind.is_allowed for op in RULED_OPS)


def test_every_op_that_reads_own_assets_has_a_rule():
    own = {op for op, known in read_table().items() if known.kind is Kind.OWN_ASSETS}
    assert own <= RULED_OPS
    assert own == {"InitializeTableFromTextFile", REF_TABLE_OPS["InitializeTableFromTextFile"]}


@pytest.mark.parametrize("through", ["name", "name = Identity[T=string](a)"])
def test_a_table_is_filled_from_an_asset(through):
    asset = '= _Asset[key="a"]()'
    lines = f"name {asset}" if through == "name" else f"a {asset}\n{through}"
    assert _danger(f't = _Table[key="t"]()\n{lines}\ny = {_FILL}') is None


@pytest.mark.parametrize(
    "name",
    [
        f"name = {_PASSWORDS}",
        'a = _Asset[key="a"]()\nname = StringJoin[N=2](a, a)',
        'a = _Asset[key="a"]()\nname = StringUpper(a)',
        "name = _Arg[T=string]()",
        'a = _Asset[key="a"]()\nname = IdentityN[T={list { type: DT_STRING }}](a)',
    ],
)
@pytest.mark.parametrize("op", ["InitializeTableFromTextFile", "InitializeTableFromTextFileV2"])
def test_a_table_is_not_filled_from_another_file(name, op):
    danger = _danger(f'{name}\nt = _Table[key="t"]()\ny = {op}(t, name)')
    assert danger.kind is Kind.READS_FILES


def test_a_table_that_is_given_no_file():
    assert _danger("t = _Table()\ny = InitializeTableFromTextFileV2(t)").kind is Kind.READS_FILES


@pytest.mark.parametrize("stream", ["stderr", "stdout", "log(info)", "log(warning)", "log(error)"])
def test_printing_to_a_stream_is_safe(stream):
    assert _danger(f'x = _Arg()\ny = PrintV2[output_stream="{stream}"](x)') is None


def test_printing_goes_to_stderr_by_default():
    assert _danger("x = _Arg()\ny = PrintV2(x)") is None


@pytest.mark.parametrize("stream", ["file:///tmp/x", "file://x", "stdout ", "log(x)"])
def test_printing_to_a_file_is_not(stream):
    danger = _danger(f'x = _Arg()\ny = PrintV2[output_stream="{stream}"](x)')
    assert (danger.kind, danger.reason) == (Kind.WRITES_FILES, f"prints to {stream!r}")


@pytest.mark.parametrize(
    ("attrs", "is_safe"),
    [
        ("num_batch_threads=1024, batch_timeout_micros=10000000", True),
        ("num_batch_threads=1025, batch_timeout_micros=1", False),
        ("num_batch_threads=1, batch_timeout_micros=10000001", False),
    ],
)
def test_a_batch_is_not_waited_for_long_nor_in_many_threads(attrs, is_safe):
    danger = _danger(f"x = _Arg()\ny = Batch[{attrs}](x)")
    assert danger is None if is_safe else danger.kind is Kind.DENIAL_OF_SERVICE


@pytest.mark.parametrize(
    ("node", "is_safe"),
    [
        ("Const[dtype=float]()", True),
        ("Const[dtype=resource]()", False),
        ("ParseTensor[out_type=float](x)", True),
        ("ParseTensor[out_type=resource](x)", False),
    ],
)
def test_no_handle_comes_from_bytes(node, is_safe):
    danger = _danger(f"x = _Arg()\ny = {node}")
    assert danger is None if is_safe else danger.kind is Kind.INTERNAL


def test_it_does_nothing_because_the_op_has_no_rule():
    assert _danger("x = _Arg()\ny = Neg[T=float](x)") is None
