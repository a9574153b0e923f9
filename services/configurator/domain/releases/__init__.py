"""What a new version of a model brings: lint, differences, what becomes of open quotes."""
