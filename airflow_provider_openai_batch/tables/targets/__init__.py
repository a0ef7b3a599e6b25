"""Where results go: tables and Parquet files, planned, tried, and written."""
