"""`--timeout-secs` and `--memory-limit-gib` of commands about one module."""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from converter import errors
from converter.cli import limits
from converter.cli import main as cli

_GOLDEN = pathlib.Path(__file__).parents[2] / "legacy_fixtures/golden"
_MODULE = str(_GOLDEN / "half_plus_two/module")


def _run(*arguments, **environment):
    command = [sys.executable, "-m", "converter", *map(str, arguments)]
    environment = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize(
    "command",
    [
        ["inspect", "M"], ["scan", "M"], ["convert", "M", "D"], ["verify", "M", "D"],
        ["debug", "passes", "M"],
    ],
)  # fmt: skip
def test_commands_about_one_module_take_limits(command):
    arguments = cli.parse_arguments(["tf1hub", *command])
    assert (arguments.timeout_secs, arguments.memory_limit_gib) == (3600.0, None)
    arguments = cli.parse_arguments(
        ["tf1hub", *command, "--timeout-secs", "5", "--memory-limit-gib=0.5"]
    )
    assert (arguments.timeout_secs, arguments.memory_limit_gib) == (5.0, 0.5)


def test_a_limit_is_above_zero():
    with pytest.raises(argparse.ArgumentTypeError):
        limits.positive("0")
    with pytest.raises(SystemExit):
        cli.parse_arguments(["tf1hub", "inspect", "M", "--timeout-secs", "-1"])


def test_the_default_lets_large_weights_through():
    assert limits.memory_limit_bytes(None) == int(psutil.virtual_memory().total * 0.9)
    assert limits.memory_limit_bytes(0.5) == 1 << 29


@pytest.fixture
def within_limits(monkeypatch):
    """`within_limits(program, …)` runs a program in place of a command."""

    def run(program, **given):
        monkeypatch.setattr(
            limits.python_process, "command", lambda *_: [sys.executable, "-c", program]
        )
        values = {"timeout_secs": 60.0, "memory_limit_gib": None, **given}
        return limits.run_within_limits(argparse.Namespace(**values), [])

    return run


def test_the_status_is_that_of_the_command(within_limits):
    assert within_limits("raise SystemExit(3)") == 3


def test_a_command_that_takes_too_long_is_an_error_that_names_the_flag(within_limits):
    with pytest.raises(errors.ConversionError, match=r"longer than 0\.5 seconds") as caught:
        within_limits("import time; time.sleep(60)", timeout_secs=0.5)
    assert "--timeout-secs" in caught.value.remedy


def test_a_command_that_takes_too_much_memory_is_an_error_that_names_the_flag(within_limits):
    hog = "x = bytearray(300 << 20); import time; time.sleep(60)"
    with pytest.raises(errors.ConversionError, match=r"more than the 0\.10 GiB allowed") as caught:
        within_limits(hog, memory_limit_gib=0.1)
    assert "--memory-limit-gib" in caught.value.remedy


def test_a_command_that_crashes_is_an_error(within_limits):
    with pytest.raises(errors.ConversionError, match="ended by SIGABRT"):
        within_limits("import os; os.abort()")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_there_is_a_handler_is_an_interrupt(within_limits, number, capsys):
    program = f"import os, signal; signal.signal({number:d}, signal.SIG_DFL)\n"
    program += f"signal.pthread_sigmask(signal.SIG_UNBLOCK, [{number:d}])\n"
    program += f"os.kill(os.getpid(), {number:d})"
    assert cli.main(argparse.Namespace(run=lambda _: within_limits(program))) == 128 + number
    assert "interrupted" in capsys.readouterr().err


def test_what_a_killed_conversion_left_is_put_right(within_limits, tmp_path):
    """It had moved the old version aside."""
    place = tmp_path / "model"
    program = (
        "import os, pathlib, signal\n"
        "from converter.files.scratch import ASIDE, scratch_name\n"
        f"folder = pathlib.Path({str(tmp_path)!r}) / scratch_name()\n"
        "(folder / 'new').mkdir(parents=True)\n"
        "(folder / ASIDE / 'model').mkdir(parents=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    with pytest.raises(errors.ConversionError, match="ended by SIGKILL"):
        within_limits(program, destination=str(place))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.slow
def test_results_and_statuses_stay(tmp_path):
    done = _run("inspect", _MODULE, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["refused"] is None
    assert _run("convert", _MODULE, tmp_path / "d").returncode == 0
    assert _run("verify", _MODULE, tmp_path / "d").returncode == 0
    assert _run("scan", _MODULE, "--fail-on", "low").returncode == 0
    assert _run("scan", tmp_path / "none").returncode == 2
    assert _run("convert", tmp_path / "none", tmp_path / "e").returncode == 2
    assert _run("convert", _MODULE, tmp_path / "d").returncode == 2
    assert _run("inspect", _MODULE, "--what").returncode == 2


@pytest.mark.slow
def test_limits_stop_real_commands_in_one_line(tmp_path):
    for flag in (["--timeout-secs", "1"], ["--memory-limit-gib", "0.1"]):
        for command in (["convert", _MODULE, tmp_path / "d"], ["scan", _MODULE]):
            done = _run(*command, *flag)
            assert done.returncode == 1
            (line,) = [x for x in done.stderr.splitlines() if "reading" not in x]
            assert flag[0] in line
            assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_of_the_watching_process_ends_both(tmp_path, number, status):
    shutil.copytree(_MODULE, tmp_path / "m")
    command = [sys.executable, "-m", "converter", "convert", tmp_path / "m", tmp_path / "d"]
    # A background job of a shell ignores SIGINT, and so would what it starts.
    program = "import os, signal, sys; signal.signal(2, signal.default_int_handler)\n"
    program += "os.execv(sys.argv[1], sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, command)], stderr=subprocess.PIPE, text=True
    )
    with process:
        while not psutil.Process(process.pid).children():
            time.sleep(0.05)
        (child,) = psutil.Process(process.pid).children()
        time.sleep(1)
        process.send_signal(number)
        words = process.communicate()[1]
    assert process.returncode == status
    assert words.count("interrupted; no output is half-written") == 1
    assert not child.is_running()
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
