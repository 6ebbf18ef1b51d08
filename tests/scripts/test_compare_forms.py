"""Each form that a model may have gives the same result."""

import pytest
from form_comparison.command import describe, main
from form_comparison.forms import FAMILIES, FORMS, GOLDEN


def test_fixtures_are_those_of_the_forms():
    for family in FAMILIES.values():
        assert (GOLDEN / family.module / "module" / "tfhub_module.pb").exists()
        module = GOLDEN / family.saved_model / "module"
        assert not (module / "tfhub_module.pb").exists()
        assert list(module.glob("saved_model.pb*"))


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("family", FAMILIES)
def test_it_converts_and_is_equal(form, family):
    fixture = FORMS[form].fixture_of(FAMILIES[family])
    assert describe(FORMS[form], fixture).startswith("equal (")


def test_the_table_is_markdown(capsys):
    form = "`.tar`, one folder down"
    assert main(["--forms", form, "TF1 SavedModel", "--families", "control flow", "BERT"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["| form | control flow | BERT |", "|---|---|---|"]
    cells = [line.strip("| ").split(" | ") for line in lines[2:]]
    assert [row[0] for row in cells] == [form, "TF1 SavedModel"]
    assert all(cell.startswith("equal (") for row in cells for cell in row[1:])


def test_a_form_with_other_contents_is_found():
    other = GOLDEN / "half_plus_two" / "module"
    form = FORMS["`.zip`"]
    swapped = type(form)(lambda _, folder: form.make(other, folder), is_packed=True)
    assert describe(swapped, "text_embedding_oov") == "another digest"
