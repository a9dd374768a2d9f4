"""What can go wrong with exit codes."""
