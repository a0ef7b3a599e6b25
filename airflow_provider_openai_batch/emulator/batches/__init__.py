"""Batches: created, checked, run, moved on by the clock, and shown."""
