"""Metrics of the host and logs of plugins, for its operator."""
