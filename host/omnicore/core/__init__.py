"""Applications: OmniApp, its modules, and native plugins."""
