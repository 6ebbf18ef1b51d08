"""The options of one conversion: what a user may say of a module.

An option is one field here. The command line, options files, jobs, the journal and the record
follow from it; `converter.convert` takes it as an argument of that name.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypedDict, TypeVar

from converter import errors
from converter.compile.plan import PlanOptions

Json = dict[str, Any]
Progress = Callable[[str], None]
_Function = TypeVar("_Function", bound=Callable[..., Any])


class ReadingArguments(TypedDict, total=False):
    """The options of functions that read a module, as their keyword arguments."""

    tags: Collection[str] | None
    training_tags: Collection[str] | None
    call_signature: str | None
    import_ops: Sequence[str]


class ConversionArguments(ReadingArguments, total=False):
    """The options of functions that write a SavedModel, as their keyword arguments."""

    verify: bool
    hardlink: bool


class Kind(enum.Enum):
    """What an option's values are, and what an error calls that."""

    FLAG = "true or false"
    TEXT = "a string"
    PATH = "the path of a file"
    TAGS = "a list of strings"  # In no order; None where the rules choose.
    TEXTS = "a list of strings in order"


class Decides(enum.Enum):
    """What depends on an option."""

    RESULT = "what the SavedModel offers"
    SUCCESS = "whether there is one"
    NOTHING = "only how it is made"


@dataclasses.dataclass(frozen=True, slots=True)
class About:
    """An option, as commands need to know it.

    Attributes:
      name: The name of the field.
      default: Its value where the user gives none.
      kind: What its values are.
      decides: What depends on it.
      help: What it does, for `--help`.
      metavar: What stands for its value there.
    """

    name: str
    default: Any
    kind: Kind
    decides: Decides
    help: str
    metavar: str

    @property
    def flag(self) -> str:
        """The option on the command line: `--training-tags`."""
        return f"--{self.name.replace('_', '-')}"

    def normalize(self, value: Any) -> Any:
        """The one form of an option's value.

        Raises:
          UsageError: if it is of another type.
        """
        if _is_of_kind(value, self.kind):
            if self.kind is Kind.TAGS and value is not None:
                return tuple(sorted(set(value)))
            return tuple(value) if self.kind is Kind.TEXTS else value
        raise errors.UsageError(
            f"option {self.name!r} is {value!r}, expected {self.kind.value}",
            remedy=f"It means: {self.help}.",
        )

    def format(self, value: Any) -> str:
        """The option with a value as a user would type it."""
        if self.kind is Kind.FLAG:
            return self.flag
        values = value if self.kind is Kind.TEXTS else [_join(value)]
        return " ".join(f"{self.flag} {shlex.quote(text)}" for text in values)


def _is_of_kind(value: Any, kind: Kind) -> bool:
    if kind is Kind.FLAG:
        return isinstance(value, bool)
    if kind in (Kind.TEXT, Kind.PATH):
        return value is None or isinstance(value, str)
    if value is None:
        return kind is Kind.TAGS
    is_list = isinstance(value, list | tuple | set | frozenset)
    return is_list and all(isinstance(item, str) for item in value)


def _join(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else ",".join(value)


def _option(default: Any, kind: Kind, decides: Decides, help: str, metavar: str = "") -> Any:  # noqa: A002
    about = {"kind": kind, "decides": decides, "help": help, "metavar": metavar}
    return dataclasses.field(default=default, metadata=about)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConversionOptions:
    """The options of one conversion; `converter.convert` describes them.

    Raises:
      UsageError: if a value is of the wrong type.
    """

    verify: bool = _option(
        False, Kind.FLAG, Decides.SUCCESS, "run both and compare them before DST is written"
    )
    inputs: str | None = _option(
        None, Kind.PATH, Decides.SUCCESS,
        "arrays for the comparison, in place of generated ones, named `input` or `signature/input`",
        "FILE.npz",
    )  # fmt: skip
    hardlink: bool = _option(
        False, Kind.FLAG, Decides.NOTHING,
        "link the files of the weights rather than copying them, if DST is on the same filesystem"
        " as SRC; do not change them later",
    )  # fmt: skip
    tags: tuple[str, ...] | None = _option(
        None, Kind.TAGS, Decides.RESULT,
        "graph variant for inference, instead of the one found by rule", "TAG,…",
    )  # fmt: skip
    training_tags: tuple[str, ...] | None = _option(
        None, Kind.TAGS, Decides.RESULT,
        "graph variant for training, instead of the one found by rule", "TAG,…",
    )  # fmt: skip
    call_signature: str | None = _option(
        None, Kind.TEXT, Decides.RESULT, "signature that the module itself runs", "NAME"
    )
    import_ops: tuple[str, ...] = _option(
        (), Kind.TEXTS, Decides.SUCCESS,
        "import a package that registers custom ops, such as tensorflow_text; may be repeated",
        "PACKAGE",
    )  # fmt: skip

    def __post_init__(self) -> None:
        for about in describe_options():
            value = about.normalize(getattr(self, about.name))
            object.__setattr__(self, about.name, value)

    @classmethod
    def of(cls, values: Mapping[str, Any], arguments: type) -> ConversionOptions:
        """The options that a function was called with.

        Args:
          values: Its keyword arguments.
          arguments: The TypedDict of those that it takes.

        Raises:
          TypeError: if it takes no such argument.
          UsageError: if a value is of the wrong type.
        """
        for name in values:
            if name not in arguments.__annotations__:
                known = ", ".join(arguments.__annotations__)
                raise TypeError(f"unexpected keyword argument {name!r}; the options are {known}")
        return cls().updated(values)

    def updated(self, values: Mapping[str, Any]) -> ConversionOptions:
        """These options but for `values`.

        Raises:
          UsageError: if there is no such option, or a value is of the wrong type.
        """
        known = [about.name for about in describe_options()]
        for name in values:
            if name not in known:
                raise errors.UsageError(
                    f"there is no option {name!r}", remedy=f"There are {', '.join(known)}."
                )
        return dataclasses.replace(self, **values)

    def to_json(self) -> Json:
        """All options as JSON values; the arguments of `converter.convert`, too."""
        return {about.name: _to_json(getattr(self, about.name)) for about in describe_options()}

    def changed(self) -> Json:
        """The options that are not the defaults, as JSON values."""
        defaults = ConversionOptions().to_json()
        return {name: value for name, value in self.to_json().items() if value != defaults[name]}

    def format(self) -> str:
        """The options that are not the defaults as a user would type them."""
        values = self.changed()
        return " ".join(a.format(values[a.name]) for a in describe_options() if a.name in values)

    @property
    def plan_options(self) -> PlanOptions:
        """The options that decide what the result offers, as the compiler takes them."""
        return PlanOptions(**self.recorded())

    def recorded(self) -> Json:
        """The options that decide what the result offers, as a record has them."""
        return self._that_decide(Decides.RESULT)

    @property
    def fingerprint(self) -> str:
        """The options that decide what becomes of a module, in one line."""
        result = {name: value for name, value in self.recorded().items() if value is not None}
        success = self._that_decide(Decides.SUCCESS)
        success["import_ops"] = sorted(self.import_ops)
        return json.dumps({**result, **success}, sort_keys=True)

    def give_the_result_of(self, fingerprint: str) -> bool:
        """Whether a conversion with these options offers what one with that fingerprint did."""
        values = json.loads(fingerprint)
        return all(values.get(name) == value for name, value in self.recorded().items())

    def _that_decide(self, what: Decides) -> Json:
        values = self.to_json()
        return {a.name: values[a.name] for a in describe_options() if a.decides is what}


def _to_json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def describe_options() -> Iterator[About]:
    """All options, in order."""
    for field in dataclasses.fields(ConversionOptions):
        yield About(name=field.name, default=field.default, **field.metadata)


def show_options(arguments: type) -> Callable[[_Function], _Function]:
    """Makes `help` list the options of a function that takes them as `**options`.

    Args:
      arguments: The TypedDict of those options.
    """

    def show(function: _Function) -> _Function:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        options = [
            inspect.Parameter(about.name, inspect.Parameter.KEYWORD_ONLY, default=about.default)
            for about in describe_options()
            if about.name in arguments.__annotations__
        ]
        function.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*own, *options]
        )
        return function

    return show


def ignore_progress(step: str) -> None:
    """The default of functions that tell their progress."""
    del step
