"""A product as published: its model bound, its decisions, its words."""
