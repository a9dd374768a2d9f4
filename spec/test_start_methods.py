"""Start methods and contexts: how a child comes to be."""
