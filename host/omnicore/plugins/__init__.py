"""The catalogue of plugins: what a file says of itself, what it may do, and the calls that reach it."""
