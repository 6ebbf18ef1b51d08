"""The messages of the converter's errors, with their causes and remedies, and `docs/errors.md`."""
