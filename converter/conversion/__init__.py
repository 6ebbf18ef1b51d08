"""The driver: the options of a conversion, and `inspect`, `load`, `convert` and `verify`."""
