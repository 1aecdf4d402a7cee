"""What begins runs: clocks, webhooks and events, and what finds the runs that wait for one."""
