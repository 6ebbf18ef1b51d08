"""Migrations under stress: bad modules, kills at any moment, full and read-only disks."""
