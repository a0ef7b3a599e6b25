"""Shards become batches, batches end, and their files are downloaded."""
