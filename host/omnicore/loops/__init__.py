"""Seven lanes of recurring work, each with a budget."""
