"""Feature models of other tools, written in UVL."""
