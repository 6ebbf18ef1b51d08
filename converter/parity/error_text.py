"""Summarizes TensorFlow errors in one line."""

from __future__ import annotations

import itertools

_NOISE = ("Graph execution error:", "Detected at node")


def summarize(error: BaseException) -> str:
    """The line of an error's text that says what went wrong, or its type where there is none.

    Errors from graphs begin with a traceback of whoever built the node; the message itself is
    the line before the first `[[{{node …}}]]`.
    """
    lines = [line.strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and not line.startswith(_NOISE)]
    for line, following in itertools.pairwise(lines):
        if following.startswith("[[{{node"):
            return line
    return lines[0] if lines else type(error).__name__
