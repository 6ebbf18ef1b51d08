"""Prints a table: models of each family in each form, converted and compared with their originals.

Whatever the form, the digest of a model is that of its directory.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import tempfile
from collections.abc import Sequence

from form_comparison.forms import FAMILIES, FORMS, GOLDEN, Form


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table in Markdown, and returns 1 if a cell is not `equal`."""
    parser = argparse.ArgumentParser("compare_forms", description=__doc__)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    chosen = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Read when TensorFlow is imported.
    print(f"| form | {' | '.join(chosen.families)} |")
    print("|---" * (len(chosen.families) + 1) + "|", flush=True)
    passed = True
    for name in chosen.forms:
        form = FORMS[name]
        cells = [describe(form, form.fixture_of(FAMILIES[family])) for family in chosen.families]
        passed &= all(cell.startswith("equal") for cell in cells)
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    return 0 if passed else 1


def describe(form: Form, fixture: str) -> str:
    """Converts and compares a fixture in a form, and returns the table's cell for it."""
    import converter
    from converter.files.source_files import digest

    directory = GOLDEN / fixture / "module"
    with tempfile.TemporaryDirectory() as folder:
        source = form.make(directory, pathlib.Path(folder))
        try:
            conversion = converter.convert(source, f"{folder}/converted", verify=True)
        except converter.ConversionError as error:
            return f"{type(error).__name__}: {error}"
    if form.is_packed and conversion.record.source.digest != digest(directory):
        return "another digest"
    parity = conversion.record.parity
    assert parity is not None
    return f"{parity.verdict} ({parity.tensors})"
