"""Our engine: modules that speak the Extism guest ABI, on wasmtime's C API with a kernel of our own."""
