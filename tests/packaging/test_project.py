"""What is committed works elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLOUD = ["constraints-cloud.txt"]
CONSTRAINTS = ["constraints.txt", "constraints-2.11.txt", *CLOUD]
#: Extras whose providers take older versions of what the others need: they have an environment of their own.
ONLY_IN_CLOUD = {"google", "snowflake"}


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    if not names:
        pytest.skip("not a git checkout")
    return [path for path in map(ROOT.joinpath, names.splitlines()) if path.is_file()]


def test_no_file_names_a_machine_or_a_registry():
    """The project works behind any index and in any folder."""
    hosts = [
        r"\.".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("deb", "debian", "org"))
    ]
    places = re.compile("|".join([r"(?<![\w.}])/(?:tmp|work|farm|root)/[\w./-]*", *hosts]))
    found = {
        f"{path.relative_to(ROOT)}: {hit}"
        for path in tracked()
        for hit in places.findall(path.read_text("utf-8", "replace"))
    }

    assert found == set()


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints_are_pins_and_nothing_else(name):
    """A constraints file pins versions; where they come from is the machine's business."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    pin = re.compile(r"[a-z0-9-]+==[\w.]+( ; .+)?")

    assert len(lines) > 100
    assert [line for line in lines if not pin.fullmatch(line)] == []


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints_pin_all_that_the_project_names(name):
    """No check runs with a version that nobody chose."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    chosen = [packages for extra, packages in extras.items() if name in CLOUD or extra not in ONLY_IN_CLOUD]
    named = [*project["dependencies"], *chain(*chosen)]
    names = {re.match(r"[\w-]+", line).group().lower() for line in named} - {project["name"]}
    pinned = {line.partition("==")[0] for line in (ROOT / name).read_text().splitlines()}

    assert names - pinned == set()


def test_entry_points_resolve():
    """Airflow and pytest find what the package offers them."""
    ours = [
        point
        for group in ("apache_airflow_provider", "pytest11")
        for point in entry_points(group=group)
        if point.value.startswith("airflow_provider_openai_batch")
    ]

    assert {point.name for point in ours} == {"provider_info", "openai_batch_emulator"}
    assert all(point.load() for point in ours)


TWICE = """
import sys, airflow
for name in [name for name in sys.modules if name.split(".")[0] == "airflow"]:
    del sys.modules[name]
import airflow
from airflow.providers_manager import ProvidersManager
print("airflow-provider-openai-batch" in ProvidersManager().providers)
"""


def test_airflow_imports_twice():
    """A provider that breaks `import airflow` would break the whole deployment."""
    command = [sys.executable, "-W", "ignore", "-c", TWICE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.stdout.split()[-1:] == ["True"], done.stderr


def test_the_package_exports_its_names_lazily():
    """Importing the package costs nothing; each of its names can be imported."""
    package = __import__("airflow_provider_openai_batch")

    assert set(package.__all__) >= {
        "OpenAIBatchHook",
        "OpenAIBatchLoadOperator",
        "OpenAIBatchSensor",
        "OpenAIBatchSubmitOperator",
        "OpenAIBatchTaskGroup",
    }
    assert all(getattr(package, name) for name in package.__all__)
