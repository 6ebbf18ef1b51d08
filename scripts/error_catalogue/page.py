"""`docs/errors.md`, the page Troubleshooting: the messages for those who meet them."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterable

from converter import errors
from converter.catalogue import Message

_INTRODUCTION = """\
# Troubleshooting

<!-- Written by scripts/list_errors from the code, converter/catalogue.toml and
converter/foreign_messages.toml. -->

Every message, with its cause and its remedy: first those of TensorFlow, tensorflow_hub and Keras
that TF1 modules lead to, then those of `tf1hub`, by class. Search this page for words of yours, or
have the entry printed, which needs no network:

```sh
tf1hub explain "No module named 'pkg_resources'"
```

`{braces}` stand for what varies.
"""


_FOREIGN = """
## Messages of other packages
"""

_OWN = """
## Messages of tf1hub

An error of `tf1hub` is one line: what was expected and what was found, the node of the graph where
it happened if there is one, and what to do. In Python, errors are exceptions with the attributes
`message`, `node` and `remedy`, all children of `converter.ConversionError` except for
`InternalError`.
"""


def format_page(messages: Iterable[Message], foreign: Iterable[Message] = ()) -> str:
    """The contents of the page.

    Args:
      messages: The messages of this package, by class.
      foreign: Those of other packages, by package.
    """
    by_error = {
        error: list(group)
        for error, group in itertools.groupby(messages, key=lambda message: message.error)
    }
    order = [name for name, kind in vars(errors).items() if inspect.isclass(kind)]
    others = [
        f"\n### {package}\n" + "".join(map(_format_message, group))
        for package, group in itertools.groupby(foreign, key=lambda message: message.error)
    ]
    sections = [
        f"\n### {error}\n\n{_about(error)}\n" + "".join(map(_format_message, by_error[error]))
        for error in order
        if error in by_error
    ]
    parts = [_INTRODUCTION, *([_FOREIGN] if others else []), *others, _OWN, *sections]
    return "".join(parts)


def _about(error: str) -> str:
    """The first paragraph of the docstring of an error's class."""
    return inspect.cleandoc(getattr(errors, error).__doc__).partition("\n\n")[0]


def _format_message(message: Message) -> str:
    fence, space = ("``", " ") if "`" in message.text else ("`", "")
    return (
        f"\n#### {fence}{space}{message.text}{space}{fence}\n\n"
        f"{message.cause}\n\n**Remedy:** {message.remedy}\n"
    )
