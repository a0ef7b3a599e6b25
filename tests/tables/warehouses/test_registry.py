"""A warehouse is one folder: generic code knows no database by name, and a new one is found by itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import airflow_provider_openai_batch
from airflow_provider_openai_batch.tables.warehouses.read_only import READ
from airflow_provider_openai_batch.tables.warehouses.registry import WAREHOUSES, WRITTEN

PRODUCT = Path(airflow_provider_openai_batch.__file__).parent
FOLDERS = PRODUCT / "tables" / "warehouses"
#: Where names are at home: the folder of each database that is written to, and the list of the others.
HOMES = [*(FOLDERS / dialect.name for dialect in WRITTEN), FOLDERS / "read_only.py"]
#: Where databases have the names that others give them: OpenLineage's, and those of sqlglot's parsers.
LINEAGE = [PRODUCT / "lineage_names.py", PRODUCT / "tables/sources/query_origin.py"]
#: Types of connections, and sqlglot's names: what a database is called.
NAMES = {*WAREHOUSES, *READ, *(dialect.name for dialect in (*WRITTEN, *READ.values()))}
ELSEWHERE = sorted(
    path for path in PRODUCT.rglob("*.py") if not any(map(path.is_relative_to, [*HOMES, *LINEAGE]))
)
LISTS = {f"airflow_provider_openai_batch.tables.warehouses.{name}" for name in ("registry", "read_only")}


def literals(source: str) -> list[str]:
    """Find the texts of a program that are a database's name."""
    constants = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return [value for value in constants if isinstance(value, str) and value in NAMES]


def imported(source: str) -> set[str]:
    """Find the modules that a program imports."""
    nodes = list(ast.walk(ast.parse(source)))
    froms = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return froms | {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}


def test_no_database_is_named_elsewhere() -> None:
    """Generic code asks a dialect what it can do; how many literals of names there are is zero."""
    found = {str(path.relative_to(PRODUCT)): literals(path.read_text()) for path in ELSEWHERE}

    assert {} == {path: names for path, names in found.items() if names}


def test_no_text_of_generic_code_names_a_database() -> None:
    """Comments and messages of `tables/` do without names, too: a dialect says what one database does."""
    said = re.compile("|".join(["mariadb", *(dialect.name for dialect in WRITTEN)]), re.IGNORECASE)
    generic = [path for path in (PRODUCT / "tables").rglob("*.py") if not path.is_relative_to(FOLDERS)]
    generic = [path for path in generic if path not in LINEAGE]
    found = {str(path.relative_to(PRODUCT)): said.findall(path.read_text()) for path in generic}

    assert {} == {path: names for path, names in found.items() if names}


def test_no_warehouse_is_imported_elsewhere() -> None:
    """Generic code is given dialects: it imports none, and only `resolve` the lists of them."""
    found = {
        str(path.relative_to(PRODUCT)): {
            name
            for name in imported(path.read_text())
            if name.startswith("airflow_provider_openai_batch.tables.warehouses.")
        }
        for path in ELSEWHERE
    }
    lists = {"tables/resolve.py": LISTS, "tables/warehouses/registry.py": LISTS - {max(LISTS)}}

    assert lists == {path: names for path, names in found.items() if names}


def test_a_name_would_be_found() -> None:
    """The count sees what it is to see."""
    assert ["mysql", "redshift"] == literals("if x == 'mysql':\n    y = {'redshift': 'mysql 8'}")


def test_each_folder_is_a_warehouse() -> None:
    """A dialect's name is that of its folder, which has both ends."""
    folders = {path.parent.name for path in FOLDERS.glob("*/dialect.py")}

    assert folders == {dialect.name for dialect in WRITTEN}
    assert folders == {path.parent.name for path in FOLDERS.glob("*/warehouse.py")}


#: A folder beside the others, in the same package.
ADDED = """
import sys
from airflow_provider_openai_batch.tables import warehouses
warehouses.__path__.append(sys.argv[1])
from airflow_provider_openai_batch.tables.warehouses import registry
print(registry.dialect_of("exasol").quote("a"), registry.install_for("exasol"))
print(registry.ends_of("exasol").source(None, "rows"))
"""


def test_a_new_folder_is_found(tmp_path: Path) -> None:
    """A warehouse is added by its folder alone: nothing else names it."""
    folder = tmp_path / "exasol"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "dialect.py").write_text(
        "from airflow_provider_openai_batch.tables.dialect.dialect import Dialect\n"
        "DIALECT = Dialect(name='exasol', connections=('exasol',), package='ours[exasol]')\n"
    )
    (folder / "warehouse.py").write_text("def source(hook, query):\n    return query\n")

    done = run(ADDED, str(tmp_path))

    assert ["\"a\" connections of type 'exasol' need a package; install ours[exasol].", "rows"] == done


def test_dialects_need_no_driver() -> None:
    """What databases can do is known where none of their drivers is imported."""
    drivers = ("duckdb", "psycopg", "adbc_driver_postgresql", "mysql", "airflow", "sqlite3")
    program = (
        "import sys\nfrom airflow_provider_openai_batch.tables.warehouses import registry\n"
        "print(sorted(set(sys.argv[1:]) & set(sys.modules)))"
    )

    assert ["[]"] == run(program, *drivers)


def run(program: str, *arguments: str) -> list[str]:
    """Run a program in a process of its own, and return its lines."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
