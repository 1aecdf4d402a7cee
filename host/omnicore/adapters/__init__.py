"""The places a host runs in: a machine, a container, Kubernetes, an edge device."""
