"""What to install where a storage or the provider of a database is missing."""

from __future__ import annotations

STORAGES = {
    "s3": ("apache-airflow-providers-amazon[s3fs]", "s3://aws_default@bucket/path"),
    "gs": ("apache-airflow-providers-google", "gs://google_cloud_default@bucket/path"),
    "abfs": ("apache-airflow-providers-microsoft-azure", "abfs://wasb_default@container/path"),
}
ANY_PROVIDER = "the provider of this storage with its fsspec extra"
OURS = "airflow-provider-openai-batch"
#: The package by the type of a connection; those that we write to are extras of ours.
DATABASES = {
    "athena": "apache-airflow-providers-amazon",
    "clickhouse": "apache-airflow-providers-clickhousedb",
    "databricks": "apache-airflow-providers-databricks",
    "databricks_sql": "apache-airflow-providers-databricks",
    "drill": "apache-airflow-providers-apache-drill",
    "druid": "apache-airflow-providers-apache-druid",
    "duckdb": f"{OURS}[duckdb]",
    "exasol": "apache-airflow-providers-exasol",
    "gcpbigquery": "apache-airflow-providers-google",
    "google_cloud_platform": "apache-airflow-providers-google",
    "hive_cli": "apache-airflow-providers-apache-hive",
    "hiveserver2": "apache-airflow-providers-apache-hive",
    "impala": "apache-airflow-providers-apache-impala",
    "jdbc": "apache-airflow-providers-jdbc",
    "motherduck": f"{OURS}[duckdb]",
    "mssql": "apache-airflow-providers-microsoft-mssql",
    "mysql": f"{OURS}[mysql]",
    "odbc": "apache-airflow-providers-odbc",
    "oracle": "apache-airflow-providers-oracle",
    "pinot": "apache-airflow-providers-apache-pinot",
    "postgres": f"{OURS}[postgres]",
    "presto": "apache-airflow-providers-presto",
    "redshift": "apache-airflow-providers-amazon",
    "snowflake": "apache-airflow-providers-snowflake",
    "sqlite": "apache-airflow-providers-sqlite",
    "teradata": "apache-airflow-providers-teradata",
    "trino": "apache-airflow-providers-trino",
    "vertica": "apache-airflow-providers-vertica",
}


def unopened(what: str, why: object, remedy: str) -> str:
    """Say that something cannot be opened, why, and what to install."""
    return f"{what} cannot be opened ({str(why).strip().rstrip('.')}): {remedy}"


def install_for(kind: str) -> str:
    """Say what to install for connections of a type."""
    package = DATABASES.get(kind, "the provider that brings such connections")
    return f"connections of type {kind!r} need a package; install {package}."


def install(uri: str) -> str:
    """Say what to install for a URI, and how its connection is named."""
    scheme = uri.partition("://")[0]
    package, example = STORAGES.get(scheme, (ANY_PROVIDER, f"{scheme}://CONN_ID@bucket/path"))
    return f"install {package}, and name the connection in the path, as in {example!r}."
