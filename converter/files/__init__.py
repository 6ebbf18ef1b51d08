"""Files: paths, safe reading, archives, staging, digests."""
