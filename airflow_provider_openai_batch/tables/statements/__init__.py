"""What is asked of a database in SQL, and values as its columns hold them."""
