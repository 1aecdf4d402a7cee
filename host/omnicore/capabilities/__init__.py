"""Everything a guest can reach outside its sandbox: one small file for each door, and who may open it."""
