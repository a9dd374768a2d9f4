"""What can go wrong with the fork server."""
