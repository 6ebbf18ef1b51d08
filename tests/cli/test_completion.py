"""The words that shells complete, asked of the shells themselves."""

import shutil
import subprocess

import pytest

from converter.cli import completion_scripts
from converter.cli import main as cli

# The words of a line, of which the last is being typed, and those that are offered for it.
_LINES = [
    ("con", ["convert"]),
    ("he", ["help"]),
    ("help mi", ["migrate"]),
    ("-q exp", ["export", "explain"]),
    ("debug ", ["passes"]),
    ("debug passes module --tr", ["--training"]),
    ("export model out --to ", ["onnx", "litert"]),
    ("export model out --to li", ["litert"]),
    ("export model out --to = on", ["onnx"]),
    ("export model out --to =", ["onnx", "litert"]),
    ("migrate a b --engine d", ["dask"]),
    ("scan a --fail-on m", ["medium"]),
    ("verify a b --", ["--help", "--quiet", "--verbose", "--inputs", "--import-ops", "--allow-op",
                       "--rtol", "--atol", "--json", "--timeout-secs", "--memory-limit-gib"]),
    ("verify convert --ov", []),
    ("completion z", ["zsh"]),
    ("inspect ", []),
    ("inspect --tags c", []),
    ("convert in", []),
]  # fmt: skip
_ASK = """
source "$1"
while IFS= read -r line; do
    IFS=' ' read -r -a COMP_WORDS <<< "tf1hub $line"
    [[ $line == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _tf1hub
    echo "${COMPREPLY[*]}"
done
complete -p tf1hub
"""


def write(shell, capsys):
    assert cli.main(cli.parse_arguments(["tf1hub", "completion", shell])) == 0
    return capsys.readouterr().out


def test_bash_completes(capsys, tmp_path):
    script = tmp_path / "tf1hub.bash"
    script.write_text(write("bash", capsys))
    done = subprocess.run(
        ["bash", "-c", _ASK, "bash", str(script)], input="".join(f"{x}\n" for x, _ in _LINES),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    *offered, registered = done.stdout.splitlines()
    assert dict(zip([x for x, _ in _LINES], map(str.split, offered), strict=True)) == dict(_LINES)
    assert registered.endswith("-F _tf1hub tf1hub")


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish")
def test_fish_completes(capsys, tmp_path):
    script = tmp_path / "tf1hub.fish"
    script.write_text(write("fish", capsys))

    def offered(line):
        done = subprocess.run(
            ["fish", "-c", f"source {script}; complete -C 'tf1hub {line}'"],
            capture_output=True, text=True, check=True, cwd=tmp_path,
        )  # fmt: skip
        return [row.split("\t")[0] for row in done.stdout.splitlines()]

    assert offered("con") == ["convert"]
    assert sorted(offered("export model out --to ")) == ["litert", "onnx"]
    assert offered("verify a b --at") == ["--atol"]
    assert offered("debug pa") == ["passes"]
    assert "--after" in offered("debug passes a --")


def test_zsh_runs_the_script_of_bash(capsys):
    zsh = write("zsh", capsys)
    assert "bashcompinit" in zsh
    assert zsh.splitlines()[3:] == write("bash", capsys).splitlines()[1:]


def test_every_command_and_visible_flag_is_described():
    commands = {command.path: command for command in completion_scripts.describe(cli.make_parser())}
    assert {path[0] for path in commands if len(path) == 1} == {
        *(command.NAME for command in cli.COMMANDS), "help",
    }  # fmt: skip
    assert ("debug", "passes") in commands
    names = [name for flag in commands[("scan",)].flags for name in flag.names]
    assert {"--sarif", "--fail-on", "-q"} <= set(names)
    assert not {"--helpfull", "--verbosity", "--undefok"} & set(names)
    takes = {flag.names[-1]: flag.takes_value for flag in commands[("convert",)].flags}
    assert (takes["--overwrite"], takes["--tags"]) == (False, True)
