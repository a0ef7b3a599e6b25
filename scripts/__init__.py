"""What is run by hand to renew a part of the project."""
