"""What can go wrong with the main module."""
