"""The options of one conversion.

An option is a field of `ConversionOptions`, and a keyword argument of one of the two TypedDicts.
The command line, options files, jobs, the journal and the record follow from it.
"""

from __future__ import annotations

import enum
import functools
import inspect
import json
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, Any, TypedDict, TypeVar, get_type_hints

import msgspec

from converter import errors
from converter.arguments import as_texts, refuse
from converter.compile.plan_options import PlanOptions
from converter.safety.allowed_ops import AllowedOps

Json = dict[str, Any]
Progress = Callable[[str], None]
# Those that the first records had. Others are absent where the user gave none.
_ALWAYS_RECORDED = frozenset({"tags", "training_tags", "call_signature"})
_Function = TypeVar("_Function", bound=Callable[..., Any])


class ReadingArguments(TypedDict, total=False):
    """The options of functions that read a module, as their keyword arguments."""

    tags: Collection[str] | None
    training_tags: Collection[str] | None
    call_signature: str | None
    trainable: str | None
    conventions: bool
    import_ops: Sequence[str]
    allow_op: Sequence[str]


class ConversionArguments(ReadingArguments, total=False):
    """The options of functions that write a SavedModel, as their keyword arguments."""

    verify: bool
    hardlink: bool


class Kind(enum.Enum):
    """The kind of an option's values, in the words of an error."""

    FLAG = "true or false"
    TEXT = "a string"
    PATH = "the path of a file"
    TAGS = "a list of strings"  # In no order; None where the rules choose.
    TEXTS = "a list of strings in order"


class Decides(enum.Enum):
    """The influence of an option."""

    RESULT = "what the SavedModel offers"
    SUCCESS = "whether there is one"
    NOTHING = "only how it is made"


class About(msgspec.Struct, frozen=True, kw_only=True):
    """An option, as commands need to know it.

    Attributes:
      name: The name of the field.
      type: The type of the field.
      default: The value where the user gives none.
      kind: The kind of its values.
      decides: Its influence.
      help: What it does, for `--help`.
      metavar: A placeholder for its value there.
    """

    name: str
    type: Any
    default: Any
    kind: Kind
    decides: Decides
    help: str
    metavar: str

    @property
    def flag(self) -> str:
        """The option on the command line: `--training-tags`, or `--no-conventions`."""
        negation = "no-" if self.default is True else ""
        return f"--{negation}{self.name.replace('_', '-')}"

    def normalize(self, value: Any) -> Any:
        """Checks a value, and returns the one form of it and its equals.

        Raises:
          UsageError: if the value is of the wrong type.
        """
        if self.kind is Kind.TEXTS or (self.kind is Kind.TAGS and value is not None):
            if self.kind is Kind.TAGS and isinstance(value, str) and "," in value:
                raise refuse(self.name, value, self.kind.value, self.help)  # One tag, or several?
            texts = as_texts(self.name, value, self.help)
            return tuple(sorted(set(texts))) if self.kind is Kind.TAGS else texts
        try:
            return msgspec.convert(value, self.type)
        except msgspec.ValidationError as error:
            raise refuse(self.name, value, self.kind.value, self.help) from error

    def format(self, value: Any) -> str:
        """Formats the option and a value as a user would type them."""
        if self.kind is Kind.FLAG:
            return self.flag
        if self.kind is Kind.TAGS:
            value = ",".join(value)
        values = value if self.kind is Kind.TEXTS else [value]
        return " ".join(f"{self.flag} {shlex.quote(text)}" for text in values)


def _about(kind: Kind, decides: Decides, help: str, metavar: str = "") -> msgspec.Meta:  # noqa: A002
    return msgspec.Meta(
        description=help, extra={"kind": kind, "decides": decides, "metavar": metavar}
    )


class ConversionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of one conversion; also the keyword arguments of `converter.convert`.

    `converter.inspect` and `converter.load` take the last seven.

    Attributes:
      verify: Whether to compare the result with the original before it is put in place. If
        something could not be compared, that is a warning, and `verdict` of the result says so.
      inputs: The `.npz` file with arrays for the comparison, instead of generated ones.
      hardlink: Whether the files of the weights become hard links to those of the source. On
        another filesystem they are copied, and `remarks` of the result says so.
      tags: The tag set for inference, instead of the one found by rule.
      training_tags: The tag set for training, instead of the one found by rule.
      call_signature: The signature that the module itself runs when it is called.
      trainable: A regular expression, found in the names of the variables to train. Only for files
        that do not say which are trainable.
      conventions: Whether to follow the conventions of TF2 models beside TF1's names: inputs of
        BERT by their names there, `sp_model_file`.
      import_ops: Packages that register custom ops, such as `tensorflow_text`.
      allow_op: Ops to let through that could do harm, such as `ReadFile`. TensorFlow may run them
        while it converts the module.

    Raises:
      UsageError: if a value is of the wrong type.

    Example:
      ```python
      options = converter.ConversionOptions(tags="train", conventions=False)
      assert options.format() == "--tags train --no-conventions"
      ```
    """

    verify: Annotated[
        bool,
        _about(Kind.FLAG, Decides.SUCCESS, "run both and compare them before DST is written"),
    ] = False
    inputs: Annotated[
        str | None,
        _about(
            Kind.PATH, Decides.SUCCESS,
            "arrays for the comparison, instead of generated ones, named `input` or"
            " `signature/input`",
            "FILE.npz",
        ),
    ] = None  # fmt: skip
    hardlink: Annotated[
        bool,
        _about(
            Kind.FLAG, Decides.NOTHING,
            "link the files of the weights instead of copying them, if DST is on the same"
            " filesystem as SRC; do not change them later",
        ),
    ] = False  # fmt: skip
    tags: Annotated[
        tuple[str, ...] | None,
        _about(
            Kind.TAGS, Decides.RESULT,
            "graph variant for inference, instead of the one found by rule", "TAG,…",
        ),
    ] = None  # fmt: skip
    training_tags: Annotated[
        tuple[str, ...] | None,
        _about(
            Kind.TAGS, Decides.RESULT,
            "graph variant for training, instead of the one found by rule", "TAG,…",
        ),
    ] = None  # fmt: skip
    call_signature: Annotated[
        str | None,
        _about(Kind.TEXT, Decides.RESULT, "signature that the module itself runs", "NAME"),
    ] = None
    trainable: Annotated[
        str | None,
        _about(
            Kind.TEXT, Decides.RESULT,
            "train the variables with a name in which the regular expression is found, if the file"
            " does not say which are trainable",
            "REGEX",
        ),
    ] = None  # fmt: skip
    conventions: Annotated[
        bool,
        _about(
            Kind.FLAG, Decides.RESULT,
            "the names that TF2 models have for the same beside TF1's, such as input_word_ids",
        ),
    ] = True  # fmt: skip
    import_ops: Annotated[
        tuple[str, ...],
        _about(
            Kind.TEXTS, Decides.SUCCESS,
            "import a package that registers custom ops, such as tensorflow_text; may be repeated",
            "PACKAGE",
        ),
    ] = ()  # fmt: skip
    allow_op: Annotated[
        tuple[str, ...],
        _about(
            Kind.TEXTS, Decides.SUCCESS,
            "let an op through that is refused because it could do harm, if you trust the module;"
            " may be repeated",
            "NAME",
        ),
    ] = ()  # fmt: skip

    def __post_init__(self) -> None:
        for about in describe_options():
            value = about.normalize(getattr(self, about.name))
            msgspec.structs.force_setattr(self, about.name, value)

    @classmethod
    def of(cls, values: Mapping[str, Any], arguments: type) -> ConversionOptions:
        """Returns the options that a function was called with.

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
        """Returns these options with `values` in place of theirs.

        Raises:
          UsageError: if there is no such option, or a value is of the wrong type.
        """
        known = [about.name for about in describe_options()]
        for name in values:
            if name not in known:
                raise errors.UsageError(
                    f"there is no option {name!r}", remedy=f"The options are {', '.join(known)}."
                )
        return msgspec.structs.replace(self, **values)

    def to_json(self) -> Json:
        """Returns all options as JSON values, which are arguments of `converter.convert`, too."""
        values = msgspec.structs.asdict(self)
        return {n: list(v) if isinstance(v, tuple) else v for n, v in values.items()}

    def changed(self) -> Json:
        """Returns the options that differ from their defaults, as JSON values."""
        defaults = ConversionOptions().to_json()
        return {name: value for name, value in self.to_json().items() if value != defaults[name]}

    def format(self) -> str:
        """Formats the options that differ from their defaults as a user would type them."""
        values = self.changed()
        return " ".join(a.format(values[a.name]) for a in describe_options() if a.name in values)

    @property
    def plan_options(self) -> PlanOptions:
        """The options that the compiler takes."""
        return PlanOptions(
            tags=self.tags,
            training_tags=self.training_tags,
            call_signature=self.call_signature,
            trainable=self.trainable,
            allowed_ops=AllowedOps(self.allow_op, unknown=bool(self.import_ops)),
            conventions=self.conventions,
        )

    def recorded(self) -> Json:
        """Returns the options that decide what the result offers, as the record has them."""
        given = {*_ALWAYS_RECORDED, *self.changed()}
        return {n: v for n, v in self._that_decide(Decides.RESULT).items() if n in given}

    @property
    def fingerprint(self) -> str:
        """The options that decide the outcome of a conversion, in one line."""
        wanted = self._that_decide(Decides.RESULT)
        result = {name: value for name, value in wanted.items() if value is not None}
        success = self._that_decide(Decides.SUCCESS)
        success["import_ops"] = sorted(self.import_ops)
        success["allow_op"] = sorted(self.allow_op)
        return json.dumps({**result, **success}, sort_keys=True)

    def give_the_result_of(self, fingerprint: str) -> bool:
        """Whether a conversion with these options offers what one with that fingerprint did."""
        try:
            values = json.loads(fingerprint)
        except (ValueError, RecursionError):  # A journal may be damaged.
            return False
        is_recorded = isinstance(values, dict)
        wanted = self._that_decide(Decides.RESULT)
        return is_recorded and all(values.get(n) == v for n, v in wanted.items())

    def _that_decide(self, what: Decides) -> Json:
        values = self.to_json()
        return {a.name: values[a.name] for a in describe_options() if a.decides is what}


@functools.cache
def describe_options() -> tuple[About, ...]:
    """Describes all options, in order."""
    return tuple(
        About(
            name=field.name, type=field.type, default=field.default,
            help=meta.description, **meta.extra,
        )
        for field in msgspec.structs.fields(ConversionOptions)
        for meta in field.type.__metadata__
    )  # fmt: skip


def show_options(arguments: type) -> Callable[[_Function], _Function]:
    """Makes `help` list the options of a function that takes them as `**options`.

    Args:
      arguments: The TypedDict of those options.
    """
    defaults = {about.name: about.default for about in describe_options()}
    return show_arguments({n: defaults[n] for n in defaults if n in arguments.__annotations__},
                          arguments)  # fmt: skip


def show_arguments(
    defaults: Mapping[str, Any], arguments: type
) -> Callable[[_Function], _Function]:
    """Makes `help` and `typing.get_type_hints` list keyword arguments that are in a TypedDict.

    Args:
      defaults: Their defaults, in order.
      arguments: The TypedDict.
    """
    hints = get_type_hints(arguments)

    def show(function: _Function) -> _Function:
        signature = inspect.signature(function)
        own = {n: p for n, p in signature.parameters.items() if p.kind is not p.VAR_KEYWORD}
        shown = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hints[name]
            )
            for name, default in defaults.items()
        ]
        function.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*own.values(), *shown]
        )
        written = function.__annotations__
        function.__annotations__ = {
            **{name: hint for name, hint in written.items() if name in {*own, "return"}},
            **{name: hints[name] for name in defaults},
        }
        return function

    return show


def ignore_progress(step: str) -> None:
    """Does nothing; the default of functions that report progress."""
    del step
