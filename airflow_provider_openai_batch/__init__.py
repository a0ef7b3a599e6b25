"""A table in, a table out: OpenAI's half-price Batch API as a step of an Airflow pipeline."""
