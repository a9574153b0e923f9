"""Contracts: what the services say to one another. Imports pydantic and nothing of ours."""
