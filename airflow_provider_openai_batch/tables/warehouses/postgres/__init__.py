"""All that is known of PostgreSQL: what it can do (`dialect`), its source and target (`warehouse`)."""
