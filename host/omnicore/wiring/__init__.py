"""Parts of a host that join rooms of several floors, each with what it starts and stops."""
