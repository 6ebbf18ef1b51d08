"""Runs blocks of a page in one process, as a reader follows it: python run_blocks.py BLOCKS.json.

Python blocks share their names. What a line `print(…)  # text` prints has to be that text; so has
what a line `print(…)` prints the comments on the lines after it.
"""

import contextlib
import io
import json
import pathlib
import re
import subprocess
import sys

_PRINTED = re.compile(r"^ *print\(.*\)  # (.*)$|(?<=\n)# (.*)$", re.MULTILINE)


def main(blocks):
    names = {"__name__": "__main__"}
    for number, (kind, text) in enumerate(json.loads(pathlib.Path(blocks).read_text())):
        if kind == "python":
            run_python(text, pathlib.Path(f"block_{number}.py").absolute(), names)
        else:
            subprocess.run(["bash", "-euo", "pipefail", "-c", text], check=True)


def run_python(text, path, names):
    """Runs a block from a file of its own, in which tf.function finds the source of functions."""
    path.write_text(text)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, str(path), "exec"), names)
    expected = [one or other for one, other in _PRINTED.findall(text)]
    found = printed.getvalue().splitlines()
    assert not expected or found == expected, f"{found} is not {expected}"


if __name__ == "__main__":
    main(sys.argv[1])
