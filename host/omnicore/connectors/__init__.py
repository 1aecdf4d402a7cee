"""The way out to the network: which addresses may be reached, and the HTTP client that keeps to it."""
