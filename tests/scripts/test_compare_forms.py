"""Each form that a model may have gives the same result."""

import pytest
from form_comparison import command
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
    assert command.describe(FORMS[form], fixture).startswith("equal (")


@pytest.mark.parametrize(("cell", "status"), [("equal (7)", 0), ("differs (7)", 1)])
def test_the_table_is_markdown(cell, status, capsys, monkeypatch):
    monkeypatch.setattr(command, "describe", lambda *_: cell)
    assert command.main(["--forms", "`.zip`", "--families", "control flow", "BERT"]) == status
    assert capsys.readouterr().out.splitlines() == [
        "| form | control flow | BERT |", "|---|---|---|", f"| `.zip` | {cell} | {cell} |"
    ]  # fmt: skip


@pytest.mark.slow
def test_a_form_with_other_contents_is_found():
    other = GOLDEN / "half_plus_two" / "module"
    form = FORMS["`.zip`"]
    swapped = type(form)(lambda _, folder: form.make(other, folder), is_packed=True)
    assert command.describe(swapped, "text_embedding_oov") == "another digest"
