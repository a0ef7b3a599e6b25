"""Rows become a snapshot of requests, cut into shards."""
