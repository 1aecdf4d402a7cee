"""The Model Context Protocol: functions as tools, over HTTP and over standard input and output."""
