"""The command line: `omnicore`, one file for each command, loaded when it is used."""
