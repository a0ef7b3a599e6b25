"""What to install where the provider of a storage is missing, and how that is said of any package."""

from __future__ import annotations

STORAGES = {
    "s3": ("apache-airflow-providers-amazon[s3fs]", "s3://aws_default@bucket/path"),
    "gs": ("apache-airflow-providers-google", "gs://google_cloud_default@bucket/path"),
    "abfs": ("apache-airflow-providers-microsoft-azure", "abfs://wasb_default@container/path"),
}
ANY_PROVIDER = "the provider of this storage with its fsspec extra"


def unopened(what: str, why: object, remedy: str) -> str:
    """Say that something cannot be opened, why, and what to install."""
    return f"{what} cannot be opened ({str(why).strip().rstrip('.')}): {remedy}"


def install(uri: str) -> str:
    """Say what to install for a URI, and how its connection is named."""
    scheme = uri.partition("://")[0]
    package, example = STORAGES.get(scheme, (ANY_PROVIDER, f"{scheme}://CONN_ID@bucket/path"))
    return f"install {package}, and name the connection in the path, as in {example!r}."
