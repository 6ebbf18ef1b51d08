import pytest

from converter.ir import op_facts
from converter.ir.text import format_graph, parse_graph
from converter.passes import lower_ref_tables as module
from converter.passes.lower_ref_tables import lower_ref_tables


def _lower(text, make_program):
    return format_graph(lower_ref_tables(parse_graph(text), make_program()))


def test_the_example_of_the_docstring(docstring_example, make_program):
    before, after = docstring_example(module)
    assert lower_ref_tables(before, make_program()) == after


@pytest.mark.parametrize(("ref", "plain"), op_facts.REF_TABLE_OPS.items())
def test_every_op_gets_its_twin_and_keeps_the_rest(ref, plain, make_program):
    text = "x = _Arg[T=string]()\ny = {}[a=1](x, ^x)\nreturn y\n"
    assert _lower(text.format(ref), make_program) == text.format(plain)


@pytest.mark.parametrize("identity", ["Identity", "RefIdentity"])
def test_identities_of_handles_vanish_in_chains(identity, make_program, as_text):
    text = f"""
        t = HashTable()
        k = _Arg[T=string]()
        i = {identity}(t)
        j = {identity}(i)
        v = LookupTableFind(j, k, k)
        return v, j
    """
    after = """
        t = HashTableV2()
        k = _Arg[T=string]()
        v = LookupTableFindV2(t, k, k)
        return v, t
    """
    assert _lower(text, make_program) == as_text(after)


def test_control_edges_over_identities_of_handles_stay(make_program, as_text):
    text = """
        done = NoOp()
        t = HashTable()
        i = Identity(t, ^done)
        k = _Arg[T=string]()
        v = LookupTableFind(i, k, k, ^i)
        return v
    """
    after = """
        done = NoOp()
        t = HashTableV2()
        i = NoOp(^done)
        k = _Arg[T=string]()
        v = LookupTableFindV2(t, k, k, ^i)
        return v
    """
    assert _lower(text, make_program) == as_text(after)


def test_an_identity_of_a_handle_that_is_fed_vanishes(make_program, as_text):
    # The ops that fill a table take its handle as an argument.
    text = """
        t = _Arg[T=resource]()
        k = Const()
        i = RefIdentity(t)
        fill = InitializeTable(i, k, k)
        target fill
    """
    after = """
        t = _Arg[T=resource]()
        k = Const()
        fill = InitializeTableV2(t, k, k)
        target fill
    """
    assert _lower(text, make_program) == as_text(after)


def test_identities_of_values_stay(make_program):
    text = """
        t = HashTable()
        k = _Arg[T=string]()
        i = Identity(k)
        v = LookupTableFind(t, i, k)
        return v
    """
    assert "i = Identity(k)" in _lower(text, make_program)


def test_it_does_nothing_because_handles_are_resources(make_program):
    before = parse_graph("t = HashTableV2()\ni = Identity(t)\nn = LookupTableSizeV2(i)\nreturn n")
    assert lower_ref_tables(before, make_program()) is before
