"""Errors are grouped by their kind, and by what their messages have in common."""

import pytest
import report_data

from converter.migration.collect.causes import group_by_cause
from converter.page.document import ModuleError, ModuleFacts, NotCompared


def facts_of(message, path="a/b", kind="FormatError", outcome="refused", remedy="Do."):
    error = ModuleError(kind=kind, message=message, remedy=remedy)
    return ModuleFacts(
        path=path, source=f"/src/{path}", destination=f"/dst/{path}", outcome=outcome, error=error
    )


def shape_of(facts):
    return group_by_cause([facts])[0].shape


@pytest.mark.parametrize(
    ("message", "shape"),
    [
        ("node 'x/y' has op 'Foo'", "node … has op …"),
        ('expected "a b", found 3', "expected …, found …"),
        ("shape [2, 3], expected [4]", "shape […, …], expected […]"),
        ("it used 1.25 GiB, more than 1.00 GiB", "it used … GiB, more than … GiB"),
        ("/src/a/b/saved_model.pb cannot be parsed", "… cannot be parsed"),
        ("off by 1e-05 and -3", "off by … and …"),
        ("digest deadbeefdeadbeef00 differs", "digest … differs"),
        ("float32 stays, and so does LSTM2", "float32 stays, and so does LSTM2"),
        ("its worker process died", "its worker process died"),
        ("3,600 seconds", "… seconds"),
    ],
)
def test_what_differs_from_module_to_module_is_left_out(message, shape):
    assert shape_of(facts_of(message)) == shape


def test_a_comparison_that_failed_has_the_cause_that_it_did():
    message = "the module differs: default / outputs / pooled: expected 1.0, actual 2.0"
    assert shape_of(facts_of(message, kind="ParityError")) == "the module differs"


def test_modules_with_one_cause_are_one_group():
    modules = [
        facts_of("node 'a' is bad", "m/1"),
        facts_of("other", "m/2", kind="Crashed", outcome="crashed", remedy=""),
        facts_of("node 'b' is bad", "m/3", outcome="failed", remedy="Or this."),
        ModuleFacts(path="m/4", outcome="converted"),
        facts_of("node 'b' is bad", "m/5", kind="Crashed"),
    ]
    causes = group_by_cause(modules)
    assert [(c.kind, c.shape, c.paths) for c in causes] == [
        ("FormatError", "node … is bad", ["m/1", "m/3"]),
        ("Crashed", "node … is bad", ["m/5"]),
        ("Crashed", "other", ["m/2"]),
    ]
    assert causes[0].example == "node 'a' is bad"
    assert causes[0].outcomes == ["refused", "failed"]
    assert causes[0].remedies == ["Do.", "Or this."]
    assert causes[2].remedies == []


def test_a_hostile_message_is_grouped_in_no_time():
    message = "'" * 5000 + "a/" * 3000 + "1" * 3000 + report_data.HOSTILE
    assert len(shape_of(facts_of(message[:10_000]))) <= 301


def test_what_was_not_compared_has_its_first_reason_as_cause():
    reasons = [
        NotCompared(text="gradients of default: TensorFlow loses them", remedy="Pass --inputs."),
        NotCompared(text="all of tokens: it does not run"),
    ]
    modules = [
        ModuleFacts(path="a", outcome="not_compared", not_compared=reasons),
        ModuleFacts(
            path="b", outcome="not_compared",
            not_compared=[NotCompared(text="gradients of mlm: TensorFlow loses them")],
        ),
        ModuleFacts(path="c", outcome="not_compared"),
        # Of a module that differs, what could not be compared is not what is wrong.
        facts_of("differs: x", path="d", kind="ParityError", outcome="failed"),
    ]  # fmt: skip
    causes = {cause.shape: cause for cause in group_by_cause(modules)}
    assert causes["TensorFlow loses them"].paths == ["a", "b"]
    assert causes["TensorFlow loses them"].remedies == ["Pass --inputs."]
    assert causes["TensorFlow loses them"].outcomes == ["not_compared"]
    assert causes["no call of the original was compared"].paths == ["c"]
    assert len(causes) == 3
