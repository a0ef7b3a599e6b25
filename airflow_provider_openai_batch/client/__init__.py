"""The calls of the Batch API, and what keeps each of them honest: origin, time, size, and pace."""
