"""Texts and tables for people: on a terminal, from `print`, and in a notebook."""
