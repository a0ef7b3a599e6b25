"""The page in Airflow's UI."""
