import dataclasses
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir.region_samples import BRANCH, LOOP, WHOLE, ref, refs, region

from converter.ir import region_text
from converter.ir.graph import Node, TensorRef
from converter.ir.region import Branch, Carried, Loop, Region, check_region
from converter.ir.region_text import format_region, parse_region

_NOTHING = Region((), (), ())


def _dedent(text):
    return textwrap.dedent(text).lstrip()


def _same(region, text):
    """Checks both directions."""
    assert format_region(region) == text
    assert parse_region(text) == region


def test_the_example_of_the_docstring_round_trips():
    lines = region_text.__doc__.splitlines()
    example = textwrap.dedent("\n".join(line for line in lines if line.startswith("    "))) + "\n"
    region = parse_region(example)
    assert format_region(region) == example
    check_region(region)
    loop = region.items[2]
    assert (loop.name, loop.maximum_iterations) == ("counting", TensorRef("n"))
    assert loop.parallel_iterations == 1


def test_a_region_with_a_loop_and_a_branch():
    _same(
        WHOLE,
        _dedent(
            """
            args n, x, p
            zero = Const()
            one = Const()
            loop f(i=zero [], v=x [2,?]) -> last, at most n:
              while:
                more = Less(i, n)
                return more
              do:
                next = Add(i, one)
                return next, v
            branch p -> m:
              then:
                a = Neg(x)
                return a
              else:
                return x
            return last, m
            """
        ),
    )


def test_all_that_can_stand_in_a_head():
    loop = dataclasses.replace(
        LOOP,
        carried=(Carried("v", ref("x:1")),),
        maximum_iterations=None,
        parallel_iterations=1,
        has_gradient=False,
        control_inputs=("u",),
        predicate=region("return v", "v"),
        body=region("return v", "v"),
    )
    branch = Branch(ref("p:1"), _NOTHING, _NOTHING, refs("m", "m:1"), ("u", "v"))
    _same(
        Region((), (loop, branch), ()),
        _dedent(
            """
            loop f(v=x:1 [...]), parallel 1, no gradient, ^u:
              while:
                return v
              do:
                return v
            branch p:1 -> m, m:1, ^u, ^v:
              then:
              else:
            """
        ),
    )


def test_a_branch_for_its_effect_alone():
    branch = Branch(ref("p"), Region((), (Node("u", "NoOp"),), ()), _NOTHING, (), ("w",))
    text = "branch p, ^w:\n  then:\n    u = NoOp()\n  else:\n"
    _same(Region((), (branch,), ()), text)
    _same(
        Region((), (dataclasses.replace(branch, control_inputs=()),), ()),
        text.replace(", ^w", ""),
    )


@pytest.mark.parametrize(
    ("limit", "printed"),
    [(0, "0"), (7, "7"), (ref("n"), "n"), (ref("n:1"), "n:1"), (ref("7"), "7:0")],
)
def test_a_limit_is_a_number_or_a_tensor_even_one_named_by_digits(limit, printed):
    region = Region((), (dataclasses.replace(LOOP, maximum_iterations=limit),), ())
    assert f"-> last, at most {printed}:\n" in format_region(region)
    assert parse_region(format_region(region)) == region


@pytest.mark.parametrize(
    ("outputs", "printed"),
    [
        ((None, None), "):"),
        (("a", None), ") -> a:"),
        ((None, "b"), ") -> _, b:"),
        (("a", "b"), ") -> a, b:"),
    ],
)
def test_each_output_belongs_to_its_carried_value(outputs, printed):
    carried = tuple(
        dataclasses.replace(value, output=output and ref(output))
        for value, output in zip(LOOP.carried, outputs, strict=True)
    )
    loop = dataclasses.replace(LOOP, carried=carried, maximum_iterations=None)
    text = format_region(Region((), (loop,), ()))
    assert text.splitlines()[0].endswith(printed)
    assert parse_region(text) == Region((), (loop,), ())


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("while/while_context", "while/while_context"),
        ("", '""'),
        ("a b", '"a b"'),
        ('(x=1) -> "y":\n', r'"(x=1) -> \"y\":\n"'),
        ("ä\ufffd", r'"\u00e4\ufffd"'),
    ],
)
def test_frames_may_have_any_name(name, printed):
    region = Region((), (dataclasses.replace(LOOP, name=name),), ())
    assert format_region(region).startswith(f"loop {printed}(i=zero")
    assert parse_region(format_region(region)) == region


def test_regions_in_regions_are_indented():
    outer = dataclasses.replace(BRANCH, then=Region((), (BRANCH,), refs("m")))
    _same(
        Region((), (outer,), ()),
        _dedent(
            """
            branch p -> m:
              then:
                branch p -> m:
                  then:
                    a = Neg(x)
                    return a
                  else:
                    return x
                return m
              else:
                return x
            """
        ),
    )


def test_an_empty_region():
    assert format_region(_NOTHING) == "\n"
    assert parse_region("\n") == parse_region("") == _NOTHING


def test_constants_print_their_values_and_large_ones_abbreviated():
    text = "small = Const[value=float[2]{1.0, 2.0}]()"
    value = ", ".join(f"{number}.0" for number in range(50))
    region = parse_region(
        f"branch p:\n  then:\n    {text}\n    large = Const[value=float[50]{{{value}}}]()\n  else:"
    )
    short = format_region(region, abbreviate=True)
    assert text in short
    assert "large = Const[value=float[50]{... 214 bytes, sha256 " in short
    assert parse_region(format_region(region)) == region
    with pytest.raises(ValueError, match="abbreviated"):
        parse_region(short)


def test_comments_blank_lines_and_a_common_margin_are_ignored():
    text = "\n# a comment\n".join(f"    {line}" for line in format_region(WHOLE).splitlines())
    assert parse_region(text) == WHOLE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loop f(i=zero []:", "expected 'loop name"),
        ("loop f i=zero []:", "expected 'loop name"),
        ("loop f(i zero []):\n  while:\n  do:", "expected 'value=initial"),
        ("loop f(i=zero) -> o:\n  while:\n  do:", "expected 'value=initial"),
        ("loop f(i=zero []) -> o, p:\n  while:\n  do:", "2 outputs that carries 1"),
        ("loop f(i=zero []), at least 2:\n  while:\n  do:", "no clause 'at least 2'"),
        ("loop f(i=zero []):\n  do:\n  while:", "expected 'while:' after"),
        ("loop f(i=zero []):\n  while:", "expected 'do:' after"),
        ("loop f(i=zero []):", "expected 'while:' after"),
        ("branch :\n  then:\n  else:", "expected 'branch predicate"),
        ("branch p:\n  then:\n    x = Op()\n", "expected 'else:' after line '    x = Op"),
        ("branch p:\n    then:\n  else:", "expected 'then:' after"),
        ("x = Op()\n  y = Op()", "unexpected line '  y = Op"),
        ("return x\ny = Op()", "unexpected line 'y = Op"),
        ("args x\nargs y", "expected 'name = Op"),
        ("x = Op(", "expected 'name = Op"),
    ],
)
def test_a_text_of_another_form_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_region(text)


# Any region.

_NAMES = st.from_regex(r"[A-Za-z0-9.][A-Za-z0-9_.\-/]{0,6}", fullmatch=True, alphabet="aZ0_.-/7")
_ANY_REF = st.builds(TensorRef, _NAMES, st.integers(0, 2))
_REF_LISTS = st.lists(_ANY_REF, max_size=3).map(tuple)
_NAME_LISTS = st.lists(_NAMES, max_size=2).map(tuple)
_SHAPES = st.none() | st.lists(st.none() | st.integers(0, 9), max_size=3).map(tuple)
_NODES = st.builds(Node, _NAMES, st.sampled_from(["Add", "a>B"]), _REF_LISTS, _NAME_LISTS)


def _regions(items, args=()):
    return st.builds(Region, st.just(args), st.lists(items, max_size=3).map(tuple), _REF_LISTS)


@st.composite
def _loops(draw, items):
    carried = draw(
        st.lists(st.builds(Carried, _NAMES, _ANY_REF, _SHAPES, st.none() | _ANY_REF), max_size=3)
    )
    inner = _regions(items, tuple(value.name for value in carried))
    return Loop(
        name=draw(st.text(max_size=6)),
        carried=tuple(carried),
        predicate=draw(inner),
        body=draw(inner),
        maximum_iterations=draw(st.none() | st.integers(0, 99) | _ANY_REF),
        parallel_iterations=draw(st.integers(1, 32)),
        has_gradient=draw(st.booleans()),
        control_inputs=draw(_NAME_LISTS),
    )


def _branches(items):
    inner = _regions(items)
    return st.builds(Branch, _ANY_REF, inner, inner, _REF_LISTS, _NAME_LISTS)


_ITEMS = st.recursive(_NODES, lambda items: _loops(items) | _branches(items), max_leaves=8)


@settings(max_examples=40)
@given(_NAME_LISTS.flatmap(lambda args: _regions(_ITEMS, args)))
def test_any_region_round_trips(region):
    assert parse_region(format_region(region)) == region
