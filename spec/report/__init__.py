"""What a run says of itself: verdicts, the terminal, the record. Never imported in a child."""
