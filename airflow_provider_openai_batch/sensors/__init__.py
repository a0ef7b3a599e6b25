"""The sensor that waits for a run."""
