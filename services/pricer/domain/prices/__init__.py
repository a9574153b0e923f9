"""Whole prices: a basket priced, answered, explained, over a term, and proved again later."""
