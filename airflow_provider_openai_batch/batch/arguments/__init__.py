"""What a DAG file says, checked and made plain values."""
