"""Plumbing that has never heard of a discount."""

# The release that runs; pyproject.toml says the same, and a test that they agree.
VERSION = "0.1.0"
