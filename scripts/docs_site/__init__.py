"""The docs site, made of `docs/` by MkDocs."""
