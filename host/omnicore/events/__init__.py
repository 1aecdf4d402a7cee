"""News inside the host: a bus of topics with bounded queues."""
