"""Mutates real modules in every part, and holds the converter to what it promises of each."""
