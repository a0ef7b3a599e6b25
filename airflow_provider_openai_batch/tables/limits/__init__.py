"""What the columns of a table take."""
