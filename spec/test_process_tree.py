"""The process tree: who am I, and who are the others."""
