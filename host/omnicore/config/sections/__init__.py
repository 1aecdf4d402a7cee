"""Settings by the part they are for, a file each."""
