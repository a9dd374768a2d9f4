"""What can go wrong with rlocks."""
