"""What `scripts/bench` measures: a file for each ladder, and what they share."""
