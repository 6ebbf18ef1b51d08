"""Starts, ends and sets up Python processes."""
