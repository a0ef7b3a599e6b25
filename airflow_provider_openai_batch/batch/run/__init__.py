"""A run as a value: its facts, its sends, and what follows from them."""
