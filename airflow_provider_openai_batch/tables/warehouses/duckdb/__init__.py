"""All that is known of DuckDB: what it can do (`dialect`), its source and target (`warehouse`)."""
