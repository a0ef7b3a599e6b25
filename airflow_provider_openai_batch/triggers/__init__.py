"""The trigger that polls for a deferred sensor."""
