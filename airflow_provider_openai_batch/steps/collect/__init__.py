"""The files of a batch become the answers of a send."""
