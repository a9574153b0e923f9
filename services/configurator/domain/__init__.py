"""Product models as data, and exact answers about them. Pure: no clock, no files, no randomness."""
