"""The language of workflows: from texts to checked graphs, and back."""
