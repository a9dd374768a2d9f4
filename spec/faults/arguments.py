"""What can go wrong with arguments."""
