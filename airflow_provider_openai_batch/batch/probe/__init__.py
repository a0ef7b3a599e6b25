"""How an API differs from what is documented."""
