"""What the API and other servers write, read as values."""
