from converter import tf_private
from converter.ir.tf1_gradients import DIFFERENTIABLE, NOT_DIFFERENTIABLE


def test_the_tables_hold_the_whole_registry():
    assert (len(DIFFERENTIABLE), len(NOT_DIFFERENTIABLE)) == (342, 178)
    assert DIFFERENTIABLE.isdisjoint(NOT_DIFFERENTIABLE)


def test_tensorflow_still_has_every_gradient_that_it_had():
    for name in DIFFERENTIABLE:
        assert callable(tf_private.find_gradient(name)), name


def test_no_name_is_of_this_process():
    assert not any("-" in name for name in DIFFERENTIABLE | NOT_DIFFERENTIABLE)
