"""Databases that are only read, by the hook of their provider: what each type of connection needs."""

from __future__ import annotations

from airflow_provider_openai_batch.tables.dialect.dialect import Dialect, Names

HIVE = Dialect(name="hive")
#: They quote and fold names in their own ways; one that is not listed gets the standard's double quotes.
READ = {
    "athena": Dialect(name="athena"),
    "databricks": Dialect(name="databricks"),
    "hive_cli": HIVE,
    "hiveserver2": HIVE,
    "mssql": Dialect(name="tsql"),
    "oracle": Dialect(name="oracle", names=Names(fold=str.upper)),
    "presto": Dialect(name="presto"),
    "redshift": Dialect(name="redshift", names=Names(fold=str.lower)),
    "teradata": Dialect(name="teradata"),
    "trino": Dialect(name="trino"),
}
#: Hooks that speak SQL, where Airflow's own for the type speaks another API.
SQL_HOOKS = {
    "databricks": ("airflow.providers.databricks.hooks.databricks_sql", "DatabricksSqlHook"),
    "google_cloud_platform": ("airflow.providers.google.cloud.hooks.bigquery", "BigQueryHook"),
}
#: What hooks are told: BigQuery's takes its old dialect unless it is told not to.
TOLD = {"gcpbigquery": {"use_legacy_sql": False}, "google_cloud_platform": {"use_legacy_sql": False}}
#: Connections whose drivers load a whole result, and where that is written: they are read in pages.
WHOLE = {"redshift": "redshift_connector: Cursor._cached_rows is full before execute() returns"}
#: The package that brings connections of a type.
PACKAGES = {
    "athena": "apache-airflow-providers-amazon",
    "clickhouse": "apache-airflow-providers-clickhousedb",
    "databricks": "apache-airflow-providers-databricks",
    "databricks_sql": "apache-airflow-providers-databricks",
    "drill": "apache-airflow-providers-apache-drill",
    "druid": "apache-airflow-providers-apache-druid",
    "exasol": "apache-airflow-providers-exasol",
    "hive_cli": "apache-airflow-providers-apache-hive",
    "hiveserver2": "apache-airflow-providers-apache-hive",
    "impala": "apache-airflow-providers-apache-impala",
    "jdbc": "apache-airflow-providers-jdbc",
    "mssql": "apache-airflow-providers-microsoft-mssql",
    "odbc": "apache-airflow-providers-odbc",
    "oracle": "apache-airflow-providers-oracle",
    "pinot": "apache-airflow-providers-apache-pinot",
    "presto": "apache-airflow-providers-presto",
    "redshift": "apache-airflow-providers-amazon",
    "teradata": "apache-airflow-providers-teradata",
    "trino": "apache-airflow-providers-trino",
    "vertica": "apache-airflow-providers-vertica",
}
