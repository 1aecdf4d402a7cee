"""What plugins remember: tiers, recall, consolidation."""
