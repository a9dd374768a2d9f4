"""The fork server: one process that forks all others."""
