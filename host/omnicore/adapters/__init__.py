"""Where the host runs: a machine, a container, Kubernetes, an edge device."""
