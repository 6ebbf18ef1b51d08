"""The tests in the TensorFlows and Pythons that are supported: `scripts/test_matrix`."""
