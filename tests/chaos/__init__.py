"""Faults on real processes, a real PostgreSQL and a real Kafka, and what must hold after each."""
