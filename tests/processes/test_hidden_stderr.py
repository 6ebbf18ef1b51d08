import os

from converter.processes.hidden_stderr import hidden_stderr


def test_only_what_is_written_within_the_block_is_hidden(capfd):
    os.write(2, b"before ")
    with hidden_stderr():
        os.write(2, b"within ")
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"
