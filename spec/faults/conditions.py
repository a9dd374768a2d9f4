"""What can go wrong with conditions."""
