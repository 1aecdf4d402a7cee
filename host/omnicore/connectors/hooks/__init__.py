"""Webhooks: deliveries are verified over their raw bytes, kept, and then told as events."""
