"""A folder for each database that is written to; `registry` finds them."""
