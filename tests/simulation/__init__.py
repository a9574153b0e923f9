"""Deterministic simulation: the whole house in one thread, with faults, from one seed."""
