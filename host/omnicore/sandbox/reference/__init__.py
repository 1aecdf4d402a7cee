"""The `extism` package behind our protocol: the oracle of tests and benchmarks, and selectable."""
