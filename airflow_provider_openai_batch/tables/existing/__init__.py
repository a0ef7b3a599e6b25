"""What a table holds already: rows, keys, triggers."""
