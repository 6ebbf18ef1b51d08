import pytest

from conformance.coverage import assert_covered


def test_all_is_covered_or_exempt():
    assert_covered(["a", "b"], ["a", "c"], {"b": "TensorFlow cannot make one"})


@pytest.mark.parametrize(
    ("everything", "covered", "exempt", "message"),
    [
        (["a", "b"], ["a"], {}, "without fixture, test or exemption: ['b']"),
        (["a", "b"], ["a", "b"], {"b": "hard"}, "exempt, but covered: ['b']"),
        (["a"], ["a"], {"b": "hard"}, "exempt, but gone: ['b']"),
        (["a", "b"], ["a"], {"b": ""}, "an exemption needs a reason"),
        ([], ["a"], {}, "nothing to cover"),
    ],
)
def test_gaps_and_stale_exemptions_fail(everything, covered, exempt, message):
    with pytest.raises(AssertionError) as failure:
        assert_covered(everything, covered, exempt)
    assert message in str(failure.value)
