"""The JSON schemas of the files that the converter writes for others."""
