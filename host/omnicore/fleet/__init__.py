"""A fleet: hosts that call each other's plugins over NATS. Nothing here is imported without the setting `fleet.url`."""
