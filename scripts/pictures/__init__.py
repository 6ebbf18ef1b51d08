"""The pictures of README, of what commands print and write."""
