"""Lines of files become answers; the best one counts for each request."""
