"""One module per endpoint of the Batch API."""
