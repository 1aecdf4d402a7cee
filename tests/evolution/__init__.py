"""The search for better architectures."""
