"""What generic code asks a database about: the parts of the value `Dialect`, which each warehouse has."""
