"""The module_fns, one file per family."""
