"""All that is known of SQLite: what it can do (`dialect`), its source and target (`warehouse`)."""
