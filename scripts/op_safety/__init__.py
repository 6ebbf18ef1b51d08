"""Keeps the table of what ops can do complete."""
