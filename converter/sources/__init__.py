"""Where a module comes from: a directory, an archive or a handle, opened as a `Source`.

`registry.open_source` opens any of them; a kind is one file here, and one line there.
"""
