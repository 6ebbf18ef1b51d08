"""`python -m converter` is the command `tf1hub`."""

from converter.cli.main import entry_point

if __name__ == "__main__":
    entry_point()
