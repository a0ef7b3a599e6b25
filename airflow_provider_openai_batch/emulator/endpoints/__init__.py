"""The endpoints that the emulator answers, one module each."""
