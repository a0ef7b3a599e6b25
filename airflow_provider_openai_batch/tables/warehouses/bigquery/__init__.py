"""All that is known of BigQuery: what it can do (`dialect`), its source and target (`warehouse`)."""
