"""One SQLite database for each host, and the bytes of accepted modules: the only home of SQL."""
