"""What the host tells its operator: metrics and the logs of plugins."""
