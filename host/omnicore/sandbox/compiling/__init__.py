"""From bytes to machine code: in this process when that is harmless, else in a limited child; cached on disk."""
