"""An emulator of OpenAI's Batch API for tests, demos, and development."""
