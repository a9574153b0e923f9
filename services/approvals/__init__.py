"""Approvals: who may grant which discount, cases, decisions."""
