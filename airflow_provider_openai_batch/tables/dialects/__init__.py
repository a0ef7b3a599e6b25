"""What each database can do, as values: one module for each that results are written to."""
