"""Handles of models on Kaggle: names of the form of kagglehub's, and addresses of the site."""

from __future__ import annotations

import dataclasses
import os
import re
import urllib.parse

from converter import errors

SITE = "https://www.kaggle.com"

_HOSTS = ("kaggle.com", "www.kaggle.com")
# Those whose models are SavedModels, by their names in lower case, which Kaggle takes as well.
_FRAMEWORKS = {"tensorflow1": "tensorFlow1", "tensorflow2": "tensorFlow2"}
_SLUG = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
# The longer spelling has these words before the framework, the variation and the version.
_SPELLED = (("frameworks", "variations"), ("frameworks", "variations", "versions"))
_EXAMPLE = f"{SITE}/models/google/elmo/tensorFlow1/elmo/3"


@dataclasses.dataclass(frozen=True, slots=True)
class KaggleHandle:
    """A variation of a model on Kaggle, or one version of it.

    Attributes:
      owner: Who published the model.
      model: The name of the model.
      framework: `tensorFlow1` or `tensorFlow2`.
      variation: The name of the variation.
      version: The number of the version; None for the newest.
    """

    owner: str
    model: str
    framework: str
    variation: str
    version: int | None = None

    def __str__(self) -> str:
        parts = (self.owner, self.model, self.framework, self.variation)
        return "/".join(parts if self.version is None else (*parts, str(self.version)))

    @property
    def page(self) -> str:
        """The address of its page."""
        return f"{SITE}/models/{self}"

    @property
    def archive(self) -> str:
        """The address of its archive (source: Kaggle's pages, "Download", "cURL")."""
        return f"{SITE}/api/v1/models/{self}/download"

    @property
    def file_name(self) -> str:
        """A name for its archive."""
        return f"{self.model}-{self.variation}-{self.version}.tar.gz"


def find_kaggle_handle(spec: str) -> KaggleHandle | None:
    """Finds the handle that a user wrote; None for a path.

    `google/elmo/tensorFlow1/elmo/3` is a handle unless there is something at that path: it has
    four or five parts, of which the third names a framework.

    Raises:
      UsageError: if it is an address of Kaggle, but not of a variation of a TensorFlow model.
    """
    if is_address(spec):
        return parse_address(spec)
    return None if os.path.lexists(spec) else parse_handle(spec.rstrip("/"))


def parse_handle(text: str) -> KaggleHandle | None:
    """Returns the handle of the form `google/elmo/tensorFlow1/elmo/3`; None for another text."""
    return _parse_parts(text.split("/"))


def is_kaggle(spec: str) -> bool:
    """Whether it is an address of Kaggle, or a handle at whose path there is nothing."""
    return is_address(spec) or find_kaggle_handle(spec) is not None


def is_address(text: str) -> bool:
    """Whether it is an address of Kaggle's site."""
    try:
        address = urllib.parse.urlsplit(text)
        return address.scheme in ("http", "https") and address.hostname in _HOSTS
    except ValueError:
        return False


def parse_address(text: str) -> KaggleHandle:
    """Returns the handle of the model whose page or archive has this address.

    Raises:
      UsageError: if it is not that of a variation of a TensorFlow model.
    """
    parts = [part for part in urllib.parse.urlsplit(text).path.split("/") if part]
    if parts[:2] == ["api", "v1"]:
        parts = parts[2:]
        parts = parts[:-1] if parts[-1:] == ["download"] else parts
    if parts[:1] != ["models"]:
        raise errors.UsageError(
            f"{text} is not the address of a model on Kaggle", remedy=f"Expected {_EXAMPLE}."
        )
    handle = _parse_parts(_without_words(parts[1:]))
    if handle is None:
        raise errors.UsageError(
            f"{text} does not name a variation of a TensorFlow model on Kaggle",
            remedy=(
                f"Expected {_EXAMPLE}: the publisher, the model, tensorFlow1 or tensorFlow2, the"
                " variation, and a version or none."
            ),
        )
    return handle


def _without_words(parts: list[str]) -> list[str]:
    words = tuple(parts[2::2])
    return parts[:2] + parts[3::2] if words in _SPELLED else parts


def _parse_parts(parts: list[str]) -> KaggleHandle | None:
    if len(parts) not in (4, 5) or not all(_SLUG.fullmatch(part) for part in parts[:4]):
        return None
    owner, model, framework, variation = parts[:4]
    known = _FRAMEWORKS.get(framework.lower())
    if known is None or (len(parts) == 5 and not _VERSION.fullmatch(parts[4])):
        return None
    return KaggleHandle(owner, model, known, variation, int(parts[4]) if len(parts) == 5 else None)
