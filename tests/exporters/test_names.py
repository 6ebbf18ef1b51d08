from converter.exporters.names import choose_names


def test_safe_names_stay():
    assert choose_names(["x", "Mask_1"], ["default"]) == (
        {"x": "x", "Mask_1": "Mask_1"},
        {"default": "default"},
    )


def test_other_characters_become_underscores():
    names, _ = choose_names(["observation/canvas", "tensor_dict$tau_a", "0", "", "größe"], [])
    assert list(names.values()) == [
        "observation_canvas", "tensor_dict_tau_a", "t0", "t", "gr__e",
    ]  # fmt: skip


def test_an_output_with_the_name_of_an_input_gets_another():
    assert choose_names(["default"], ["default"])[1] == {"default": "default_output"}


def test_names_that_become_equal_are_numbered():
    inputs, outputs = choose_names(["a/b", "a_b", "A/B"], ["a:b", "a_b_output"])
    assert list(inputs.values()) == ["a_b", "a_b_1", "A_B_2"]
    assert list(outputs.values()) == ["a_b_output", "a_b_output_output"]
    lowered = [name.lower() for name in (*inputs.values(), *outputs.values())]
    assert len(set(lowered)) == 5
