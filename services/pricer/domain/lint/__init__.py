"""Lint of a price book: what would be wrong, unreachable or left to luck, before it is used."""
