"""The operators: submit and load."""
