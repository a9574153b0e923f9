"""How versions come to be: drafts, imports, differences, publication."""
