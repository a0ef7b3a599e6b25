"""A run as a value, and what is decided on it."""
