"""Small hand-made modules, and golden ones on their way to a live module."""

import pytest

from converter.assemble.reusable import build_reusable
from converter.compile.compile_module import compile_module
from converter.compile.plan_options import PlanOptions
from converter.formats.legacy_module import LegacyModule
from converter.formats.registry import read_module
from converter.ir.graph import Kind, Signature, TensorInfo, TensorRef, VariableSpec
from converter.tensor_bundle.checkpoint import Checkpoint, Entry

_FLOAT = 1


def _info(ref, kind=Kind.DENSE, shape=(), dtype=_FLOAT):
    return TensorInfo(kind, dtype, shape, tuple(TensorRef.parse(part) for part in ref.split(",")))


@pytest.fixture(scope="session")
def info():
    """`info("x:0")` describes a float scalar; `info("i,v,s", Kind.SPARSE)` a composite."""
    return _info


@pytest.fixture(scope="session")
def signature():
    """`signature("default", {"x": "x"}, {"default": "y"})`, of float scalars or of infos."""

    def make(name, inputs=None, outputs=None):
        def read(refs):
            return {k: _info(v) if isinstance(v, str) else v for k, v in (refs or {}).items()}

        return Signature(name, read(inputs or {}), read(outputs or {"default": "y"}))

    return make


@pytest.fixture(scope="session")
def make_variant(make_program, signature):
    """`make_variant(tags)` is `y = w * x` with what `fields` say besides."""

    def make(tags=(), text=None, signatures=None, variables=("w",), trainable=(), **fields):
        if text is None:
            reads = "".join(f"{v} = VarHandleOp[dtype=float, shape=[]]()\n" for v in variables)
            uses = "".join(f"r_{v} = ReadVariableOp[dtype=float]({v})\n" for v in variables)
            total = f"AddN[N={len(variables) + 1}, T=float]"
            sources = ", ".join(["x", *(f"r_{v}" for v in variables)])
            text = f"x = Placeholder[dtype=float]()\n{reads}{uses}y = {total}({sources})\n"
        if signatures is None:
            signatures = [signature("default", {"x": "x"})]
        return make_program(
            text,
            tags=frozenset(tags),
            signatures={s.name: s for s in signatures},
            variables={v: VariableSpec(v, v, _FLOAT, (), v in trainable, v) for v in variables},
            **fields,
        )

    return make


@pytest.fixture
def make_legacy(tmp_path):
    """`make_legacy(program, …)` is a module of these variants whose checkpoint lists `keys`."""

    def make(*programs, keys=("w",)):
        entries = {key: Entry(_FLOAT, ()) for key in keys}
        variants = {program.tags: program for program in programs}
        return LegacyModule(tmp_path, "tf1_hub", variants, Checkpoint(tmp_path / "c", entries))

    return make


@pytest.fixture
def golden_compiled(golden_module):
    """`golden_compiled(name)` are the graphs of a golden module."""

    def make(name, **options):
        legacy = read_module(golden_module(name))
        return compile_module(legacy, PlanOptions(**options))

    return make


@pytest.fixture
def golden_live(golden_compiled):
    """`golden_live(name)` is a golden module as a live `tf.Module`."""
    return lambda name: build_reusable(golden_compiled(name), live=True).module
