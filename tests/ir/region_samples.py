"""A region with a loop and a branch, for tests of regions and their text."""

from converter.ir.graph import TensorRef
from converter.ir.region import Branch, Carried, Loop, Region
from converter.ir.text import parse_graph


def ref(name):
    return TensorRef.parse(name)


def refs(*names):
    return tuple(map(ref, names))


def region(text, args=()):
    graph = parse_graph(text)
    return Region(tuple(args), tuple(graph.nodes.values()), graph.results)


LOOP = Loop(
    name="f",
    carried=(Carried("i", ref("zero"), (), ref("last")), Carried("v", ref("x"), (2, None))),
    predicate=region("more = Less(i, n)\nreturn more", "iv"),
    body=region("next = Add(i, one)\nreturn next, v", "iv"),
    maximum_iterations=ref("n"),
)
BRANCH = Branch(
    predicate=ref("p"),
    then=region("a = Neg(x)\nreturn a"),
    otherwise=region("return x"),
    outputs=refs("m"),
)
BEFORE = tuple(parse_graph("zero = Const()\none = Const()").nodes.values())
WHOLE = Region(("n", "x", "p"), (*BEFORE, LOOP, BRANCH), refs("last", "m"))
