import pathlib
import subprocess
import sys

_SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "compare_loaders"


def test_it_prints_what_each_loader_gives():
    command = [sys.executable, _SCRIPT, "saved_model_partitioned", "saved_model_train_pair"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [line.strip("| ").split(" | ") for line in printed.splitlines()[2:]]
    assert rows == [
        ["`partitioned`", "TensorFlow", "0", "0", "0", "no", "0", "FailedPreconditionError"],
        ["`partitioned`", "tf1hub", "3", "3", "3", "no", "0", "yes"],
        ["`train_pair`", "TensorFlow", "6", "4", "4", "no", "0", "yes"],
        ["`train_pair`", "tf1hub", "6", "4", "4", "yes", "0", "yes"],
    ]
