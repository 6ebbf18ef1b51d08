"""The forms in which TF1 left reusable models, and a model of each family to have in them.

A new form is one entry of `FORMS`.
"""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
from collections.abc import Callable

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "legacy_fixtures" / "golden"


@dataclasses.dataclass(frozen=True, slots=True)
class Family:
    """A family of models, by fixtures of it.

    Attributes:
      module: The fixture that is a module of TF Hub.
      saved_model: The fixture that is a TF1 SavedModel.
    """

    module: str
    saved_model: str


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """A form of a model.

    Attributes:
      make: Makes it of a fixture's directory in an empty folder, and returns what to convert.
      is_saved_model: Whether it is one of the TF1 SavedModels, and not of the modules.
      is_packed: Whether its digest has to be that of the directory.
    """

    make: Callable[[pathlib.Path, pathlib.Path], pathlib.Path]
    is_saved_model: bool = False
    is_packed: bool = False

    def fixture_of(self, family: Family) -> str:
        """The fixture of a family that this form is made of."""
        return family.saved_model if self.is_saved_model else family.module


def _pack(archive_format: str) -> Callable[[pathlib.Path, pathlib.Path], pathlib.Path]:
    def make(directory: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
        return pathlib.Path(shutil.make_archive(str(folder / "v1"), archive_format, directory))

    return make


def _pack_one_folder_down(directory: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    shutil.copytree(directory, folder / "in" / "my_module")
    return pathlib.Path(shutil.make_archive(str(folder / "v1"), "tar", folder / "in"))


def _copy(directory: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(shutil.copytree(directory, folder / "v1"))


FAMILIES: dict[str, Family] = {
    "image": Family("image_bn_dropout", "served_image"),
    "text with table": Family("text_embedding_oov", "saved_model_main_op"),
    "BERT": Family("bert_tiny", "served_bert"),
    "control flow": Family("while_cond_in_body", "saved_model_control_flow"),
    "GAN with tag sets": Family("gan_spectral", "served_gan"),
}
FORMS: dict[str, Form] = {
    "directory": Form(_copy, is_packed=True),
    "`.tar.gz`": Form(_pack("gztar"), is_packed=True),
    "`.zip`": Form(_pack("zip"), is_packed=True),
    "`.tar`, one folder down": Form(_pack_one_folder_down, is_packed=True),
    "TF1 SavedModel": Form(_copy, is_saved_model=True),
    "TF1 SavedModel in a `.tar.gz`": Form(_pack("gztar"), is_saved_model=True, is_packed=True),
}
