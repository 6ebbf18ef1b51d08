"""The command line: arguments in, results on stdout, progress and errors on stderr."""
