"""Compares results with what TensorFlow 2 loads: `scripts/compare_loaders`."""
