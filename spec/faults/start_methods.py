"""What can go wrong with start methods."""
