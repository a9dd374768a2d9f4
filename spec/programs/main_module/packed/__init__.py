"""A program that is a package, and a folder, and the content of a zip file."""
