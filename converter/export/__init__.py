"""Writes a SavedModel, complete or not at all, with its weights and its record."""
