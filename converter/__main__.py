"""`python -m converter` is the command `tf1hub`."""

from converter.cli.start_up import entry_point

if __name__ == "__main__":
    entry_point()
