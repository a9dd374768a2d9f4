"""The module of the program whose function runs in a child."""


def work():
    """Say that it works."""
    print("it works", flush=True)
