"""The language of product models: what a file may say, and what is wrong with it."""
