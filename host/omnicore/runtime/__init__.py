"""Work in the background: a pool of workers, and tasks that survive the process."""
