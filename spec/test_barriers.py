"""Barrier: nobody goes on until all have come."""
