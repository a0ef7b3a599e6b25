"""All that is known of MySQL and MariaDB: what it can do (`dialect`), its source and target (`warehouse`)."""
