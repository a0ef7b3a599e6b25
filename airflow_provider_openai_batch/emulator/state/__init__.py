"""What the emulator remembers: records, files, executions, and its time."""
