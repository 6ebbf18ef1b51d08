"""Graph to graph rewrites, one a file, composed by `pipeline.py`."""
