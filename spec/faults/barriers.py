"""What can go wrong with barriers."""
