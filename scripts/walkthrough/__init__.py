"""One module from bytes to SavedModel, for `docs/architecture.md`."""
