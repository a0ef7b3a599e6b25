"""All that is known of Snowflake: what it can do (`dialect`), its source and target (`warehouse`)."""
