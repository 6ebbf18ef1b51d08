"""Random bytes for the parsers of files that strangers write; `scripts/fuzz_bytes` runs longer."""
