"""The engines: finite variables, constraints, proofs; and a model bound to them."""
