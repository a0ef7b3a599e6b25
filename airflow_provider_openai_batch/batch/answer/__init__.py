"""Lines of files become answers, judged, the best one for each request."""
