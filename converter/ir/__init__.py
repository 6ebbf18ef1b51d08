"""The graph as values: what every later stage reads and rewrites. Knows no file formats."""
