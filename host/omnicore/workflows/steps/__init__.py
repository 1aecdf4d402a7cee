"""Steps: plugins, connectors, services of the host, HTTP, OpenAPI, scripts and events."""
