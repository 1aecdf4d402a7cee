"""One database for each host, SQLite or PostgreSQL, and the bytes of accepted modules: the only home of SQL."""
