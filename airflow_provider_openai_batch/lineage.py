"""What OpenLineage is told of submit and load; nothing is imported or asked where its provider is absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.arguments import arguments

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_openai_batch.batch.run.facts import Origin, Submission
    from airflow_provider_openai_batch.lineage_names import DatasetName


def lineage_of_submit(source: object) -> Any:
    """Return the inputs of a submit: the tables or the path that it reads."""
    from airflow.providers.openlineage.extractors import OperatorLineage  # noqa: PLC0415

    from airflow_provider_openai_batch.steps.submit.origin import origin_of  # noqa: PLC0415

    origin = origin_of(arguments.source(source))
    return OperatorLineage(inputs=_inputs(_names_of(origin)))


def lineage_of_wait() -> Any:
    """Return no dataset; without this, the event of a wait would list the settings of the task."""
    from airflow.providers.openlineage.extractors import OperatorLineage  # noqa: PLC0415

    return OperatorLineage()


def lineage_of_load(submission: Submission, target: arguments.Target, written: int | None) -> Any:
    """Return the inputs of the run's submit, and the target with its columns.

    :param written: the rows that the target took; None before they landed.
    """
    from airflow.providers.openlineage.extractors import OperatorLineage  # noqa: PLC0415

    names = _names_of(submission.origin)
    return OperatorLineage(inputs=_inputs(names), outputs=[_output(submission, target, names, written)])


def _names_of(origin: Origin) -> list[DatasetName]:
    from airflow_provider_openai_batch.lineage_names import name_of_path, name_of_table  # noqa: PLC0415

    if origin.path is not None:
        return [name_of_path(origin.path)]
    return [name_of_table(origin.conn_id or "", table) for table in origin.tables]


def _inputs(names: list[DatasetName]) -> list[Any]:
    from airflow.providers.common.compat.openlineage.facet import InputDataset  # noqa: PLC0415

    return [InputDataset(namespace=name.namespace, name=name.name) for name in names]


def _output(
    submission: Submission, target: arguments.Target, names: list[DatasetName], written: int | None
) -> Any:
    from airflow.providers.common.compat.openlineage.facet import (  # noqa: PLC0415
        OutputDataset,
        OutputStatisticsOutputDatasetFacet,
    )

    from airflow_provider_openai_batch.lineage_names import name_of_path, name_of_table  # noqa: PLC0415

    name = (
        name_of_path(target.path) if target.path else name_of_table(target.conn_id or "", target.table or "")
    )
    counted = (
        {} if written is None else {"outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=written)}
    )
    return OutputDataset(
        namespace=name.namespace,
        name=name.name,
        facets=_column_lineage(submission, target, names),
        outputFacets=counted,
    )


def _column_lineage(
    submission: Submission, target: arguments.Target, names: list[DatasetName]
) -> dict[str, Any]:
    from airflow.providers.common.compat.openlineage.facet import (  # noqa: PLC0415
        ColumnLineageDatasetFacet,
        Fields,
        InputField,
    )
    from openlineage.client.generated.column_lineage_dataset import Transformation  # noqa: PLC0415

    fields = {
        column: Fields(
            inputFields=[
                InputField(
                    namespace=names[table].namespace,
                    name=names[table].name,
                    field=field,
                    transformations=[Transformation(type="DIRECT", subtype=kind, description=told)],
                )
                for read in columns
                for table, field in submission.origin.fields.get(read, ())
            ]
        )
        for column, columns, kind, told in _columns(submission, target)
    }
    known = {column: field for column, field in fields.items() if field.inputFields}
    return {"columnLineage": ColumnLineageDatasetFacet(fields=known)} if known else {}


def _columns(
    submission: Submission, target: arguments.Target
) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
    """Yield the target's columns with those of the source that they come from, and how."""
    renamed: Mapping[str, str] = target.columns
    for column in (*submission.key, *submission.carry):
        yield renamed.get(column, column), (column,), "IDENTITY", "copied"
    told = f"answered by {submission.request.get('model', 'a model')}"
    for column in _outputs(submission):
        yield renamed.get(column, column), submission.origin.used, "TRANSFORMATION", told


def _outputs(submission: Submission) -> list[str]:
    from airflow_provider_openai_batch.batch.endpoints.known_endpoints import (  # noqa: PLC0415
        endpoint_of,
        output_of,
    )

    output = output_of(endpoint_of(submission.endpoint), submission.request, submission.output_type)
    return list(output.columns.names)
