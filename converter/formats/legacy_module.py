"""The value that every format reader returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from converter import errors
from converter.files.module_files import check_name
from converter.files.paths import Path
from converter.ir.graph import Program
from converter.tensor_bundle.checkpoint import Checkpoint

HUB_MODULE = "tf1_hub"
SAVED_MODEL = "tf1_saved_model"


@dataclasses.dataclass(frozen=True, slots=True)
class LegacyModule:
    """A TF1 module on disk.

    Attributes:
      directory: Where its files lie.
      format: The name of the format it was read as.
      variants: Its graph variants by tag set.
      checkpoint: Its weights; a tensor is read only on demand.
    """

    directory: Path
    format: str
    variants: Mapping[frozenset[str], Program]
    checkpoint: Checkpoint

    @property
    def is_hub_module(self) -> bool:
        """Whether it is a module for TF Hub, which restores and initializes it by its own rules."""
        return self.format == HUB_MODULE

    def asset_path(self, filename: str) -> Path:
        """Returns the path of an asset.

        Raises:
          UnsafeModuleError: if `filename` leads out of the module's `assets` directory.
          FormatError: if there is no such file, or it is not a name of a file.
        """
        check_name(f"assets/{filename}")
        assets = self.directory / "assets"
        path = assets / filename
        if not path.resolve().is_relative_to(assets.resolve()):
            raise errors.UnsafeModuleError(
                f"asset {filename!r} lies outside of the module's assets directory",
                remedy="Do not use this module unless you know who made it, and why.",
            )
        if not _is_file(path):
            raise errors.FormatError(
                f"asset {filename!r} is missing", remedy="Copy the module again, with assets/."
            )
        return path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # With the path of the module, the name is too long.
        return False
