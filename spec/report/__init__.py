"""The output of a run: verdicts, the terminal, the record. Children never import it."""
