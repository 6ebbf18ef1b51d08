"""A live module to a SavedModel on disk, whole or not at all."""
