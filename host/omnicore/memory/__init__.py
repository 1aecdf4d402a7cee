"""Memories of plugins: tiers, recall, consolidation."""
