"""Stands for packed/__main__.py, which is run as a package, as a folder or from a zip file.

This file itself is not executed: its path is an argument of the program.

Serves main.dunder-main-not-imported.
"""
