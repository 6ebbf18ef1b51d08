"""A process that answers with pickles, as one would that has run a stranger's ops."""

import json
import pathlib
import pickle
import sys

import numpy as np

answer = pathlib.Path(sys.argv[2])
array = np.array([print], dtype=object)
assert b"print" in pickle.dumps(array)
np.savez(answer.with_suffix(".npz").open("wb"), **{"0": array})
answer.with_suffix(".json").write_text(
    json.dumps({"arrays": [["float32", [1]]], "value": {"array": 0}})
)
