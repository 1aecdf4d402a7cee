"""The network's door: REST, OpenAPI and live events on Starlette, served by Hypercorn."""
