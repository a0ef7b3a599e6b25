"""Texts: values of rows, hashes, JSON, and words that may be shown."""
