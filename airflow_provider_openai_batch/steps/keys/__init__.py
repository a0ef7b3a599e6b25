"""What must be true of the keys of rows, before anything is sent."""
