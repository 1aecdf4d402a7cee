"""Agents by name: what they need, what they may spend, and what they remember."""
