"""The language of workflows: texts to checked graphs, and back."""
