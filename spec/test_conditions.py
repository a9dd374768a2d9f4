"""Condition: waiting until something has changed."""
