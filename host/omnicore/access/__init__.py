"""Who may do what: users, roles, sessions, tokens, and the record of every change."""
