"""The HTTP surface: routes, what every call passes, and serving."""
