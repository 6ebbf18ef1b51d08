"""Legacy bytes to a `LegacyModule`. Reads files and runs nothing of what they hold."""
