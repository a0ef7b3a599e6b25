"""Answers become rows of the target, a summary, and a report."""
