"""The tests of the page in a browser: ``python -m nox -s browser``."""
