"""Component Model plugins: typed functions instead of the Extism ABI, with the same doors and limits."""
