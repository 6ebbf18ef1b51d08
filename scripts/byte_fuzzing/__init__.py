"""Searches for bytes that a parser neither reads nor refuses, guided by coverage."""
