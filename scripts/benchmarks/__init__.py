"""The measurements of `scripts/bench`: a file for each ladder, and what they share."""
