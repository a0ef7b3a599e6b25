"""What is to be done: pure functions of a run and of what was seen of it."""
