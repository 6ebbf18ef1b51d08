"""Where a module comes from: a directory or an archive, opened as a `Source`.

`registry.open_source` opens any of them; a kind is one file here, and one line there.
"""
