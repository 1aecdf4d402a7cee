"""The face of `omega_runtime`: a runtime, its API and its configuration over the same host."""
