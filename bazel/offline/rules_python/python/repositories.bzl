"""What a WORKSPACE calls to declare what rules_python needs: nothing, here."""

def py_repositories():
    pass
