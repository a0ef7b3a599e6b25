"""The models that the emulator knows, and what each family of them takes."""
