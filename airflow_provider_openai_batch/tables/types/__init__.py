"""Types of Arrow and of databases, and which take which."""
