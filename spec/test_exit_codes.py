"""Exit codes and sentinels: how a process ended."""
