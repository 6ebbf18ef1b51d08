"""Writes docs/consumers.md from what `tests/consumers` measures."""
