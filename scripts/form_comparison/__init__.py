"""Compares the forms in which TF1 left models: `scripts/compare_forms`."""
