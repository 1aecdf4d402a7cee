"""What the steps of a workflow do: plugins, connectors, the host's services, HTTP, OpenAPI, scripts and events."""
