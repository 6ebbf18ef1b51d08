"""The dependencies of rules_python that a WORKSPACE declares: none, here."""

def py_repositories():
    pass
