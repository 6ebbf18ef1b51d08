"""Modules that would take all memory or time, and how long they take until they are refused."""
