"""Reads TF1 modules from files into a `LegacyModule`, and runs nothing of them."""
