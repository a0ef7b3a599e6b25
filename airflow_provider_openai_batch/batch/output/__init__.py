"""What an answer must look like, and the columns that it becomes."""
