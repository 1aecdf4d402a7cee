"""From source to plugin: one file for each language, and what they share."""
