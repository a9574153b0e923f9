"""The pages of the pricer."""
