"""What models answer: texts, JSON by a schema, and how many tokens they take."""
