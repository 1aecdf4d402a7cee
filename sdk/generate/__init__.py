"""Writes what every kit, the WIT interfaces and the host say of the doors, from `specs/doors/*.toml`."""
