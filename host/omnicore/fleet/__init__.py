"""A fleet: hosts that share one database, and calls between them over NATS, which `fleet.url` alone has imported."""
