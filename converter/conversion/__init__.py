"""One conversion: its options, and the functions that a user calls."""
