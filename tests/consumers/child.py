"""Runs cells of one family in a process of its own, which a consumer may abort.

    python -m consumers.child FAMILY RESULTS CONSUMER...

appends to the file RESULTS a line of JSON before each cell and one after it. `ordinary:CONSUMER`
runs the ordinary model; where the converted module fails, that follows by itself.
"""

import json
import os
import pathlib
import sys
import tempfile
import traceback

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import tensorflow as tf

from consumers.families import converted_subject
from consumers.ordinary import ordinary_subject
from consumers.registry import CONSUMERS

ORDINARY = "ordinary:"
_DEVICES = 2


def main(family, results, *tasks):
    """Runs the cells."""
    device = tf.config.list_physical_devices("CPU")[0]
    devices = [tf.config.LogicalDeviceConfiguration()] * _DEVICES
    tf.config.set_logical_device_configuration(device, devices)
    with tempfile.TemporaryDirectory() as folder, open(results, "a") as file:
        run = _Run(family, pathlib.Path(folder), file)
        for task in tasks:
            error = run.run(task)
            if error is not None and not task.startswith(ORDINARY):
                run.run(ORDINARY + task)


class _Run:
    def __init__(self, family, folder, file):
        self._family, self._folder, self._file = family, folder, file
        self._converted = converted_subject(family)
        self._ordinary = None

    def run(self, task):
        """Runs a cell; returns its error, or None."""
        self._write({"task": task})
        subject = self._subject(task)
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            try:
                CONSUMERS[task.removeprefix(ORDINARY)](subject, folder)
                error = None
            except Exception as caught:  # A cell that fails is a result.
                error = f"{type(caught).__name__}: {caught}"
                traceback.print_exc()
        self._write({"task": task, "error": error})
        return error

    def _subject(self, task):
        if not task.startswith(ORDINARY):
            return self._converted
        if self._ordinary is None:
            self._ordinary = ordinary_subject(self._family, self._converted, self._folder)
        return self._ordinary

    def _write(self, line):
        print(json.dumps(line), file=self._file, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
