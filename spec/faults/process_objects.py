"""What can go wrong with the object that stands for a process."""
