"""What the API shows of a run now, and what is decided on it."""
