"""What people do with runs and APIs: look, purge, probe."""
