"""WASI preview 1 as host functions of our own: clock, random, sleep, files and output are ours to bound."""
