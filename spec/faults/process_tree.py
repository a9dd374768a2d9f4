"""What can go wrong with the process tree."""
