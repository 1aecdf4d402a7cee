"""The network interface: REST, OpenAPI and live events on Starlette, served by Hypercorn."""
