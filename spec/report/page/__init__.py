"""The page: one self-contained HTML file about the claims and the records of many runs."""
