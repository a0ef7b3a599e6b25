"""Rows become requests: their bodies, their tokens, and where a file ends."""
