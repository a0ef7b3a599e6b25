"""The loop: shards become batches, batches end, and their answers come down."""
