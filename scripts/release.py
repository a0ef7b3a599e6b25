"""Prepare a release: `python -m scripts.release`, which writes nothing here without `--write`."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

from packaging.metadata import Metadata
from packaging.version import Version

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PACKAGE = "airflow_provider_openai_batch"
NAME = "airflow-provider-openai-batch"
UNRELEASED = "## [Unreleased]"
#: What the wheel holds besides modules; without them the package breaks only where it is installed.
DATA = ("py.typed", "hooks/prices.json", "batch/report/page.html")
LISTED = f"""
import {PACKAGE} as package
from airflow.providers_manager import ProvidersManager
assert all(getattr(package, name) for name in package.__all__)
print(ProvidersManager().providers["{NAME}"].version)
"""


class NotReady(Exception):
    """Something stands against the release; the text says what."""


def main(words: list[str] | None = None, root: Path = ROOT) -> int:
    """Build, check, and install what is committed; with `--write` keep the changelog and the files."""
    given = _parser().parse_args(words)
    try:
        with tempfile.TemporaryDirectory() as folder:
            release(root, Path(folder), given.date, write=given.write, install=given.install)
    except NotReady as error:
        print(f"Not ready: {error}", file=sys.stderr)
        return 1
    return 0


def release(root: Path, folder: Path, day: date, *, write: bool, install: bool) -> None:
    """Do all steps in a copy of the last commit, and say what each one did."""
    if write:
        require_clean(root)
    version = version_of(root)
    tree = export(root, folder / "tree")
    changelog = tree / "CHANGELOG.md"
    changelog.write_text(cut(changelog.read_text("utf-8"), version, day), encoding="utf-8")
    print(f"Changelog: [Unreleased] becomes [{version}] - {day}.")
    files = build(tree, folder / "dist")
    for file in files:
        check(file, version)
        print(f"Built and checked {file.name}: {file.stat().st_size:,} bytes.")
    if install:
        installed = install_wheel(next(file for file in files if file.suffix == ".whl"), folder / "venv")
        print(f"Installed the wheel in a new environment: Airflow lists {NAME} {installed}.")
    if not write:
        print(
            "This was a dry run: nothing here was changed. `make release RELEASE=--write` keeps the result."
        )
        return
    keep(root, changelog, files)
    print(f"Wrote CHANGELOG.md and dist/. Next: commit, tag v{version}, and upload dist/ yourself.")


def version_of(root: Path) -> str:
    """Return the version that pyproject.toml names."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return str(Version(project["version"]))


def require_clean(root: Path) -> None:
    """Refuse a working tree with changes: a release is what was committed."""
    changed = run("git", "status", "--porcelain", cwd=root)
    if changed:
        raise NotReady(f"these files are not committed:\n{changed}")


def export(root: Path, tree: Path) -> Path:
    """Copy the last commit, without what only this working tree has."""
    archive = tree.with_suffix(".tar")
    run("git", "archive", "--output", archive, "HEAD", cwd=root)
    with tarfile.open(archive) as packed:
        packed.extractall(tree, filter="data")
    return tree


def cut(changelog: str, version: str, day: date) -> str:
    """Turn the changelog's [Unreleased] into a version, and begin an empty one above it."""
    if f"## [{version}]" in changelog:
        raise NotReady(f"CHANGELOG.md has {version} already; raise the version in pyproject.toml")
    before, found, after = changelog.partition(f"{UNRELEASED}\n")
    if not found:
        raise NotReady(f"CHANGELOG.md has no heading {UNRELEASED!r}")
    entries = after.partition("\n## [")[0]
    if not re.search(r"^- ", entries, re.MULTILINE):
        raise NotReady(f"CHANGELOG.md lists nothing under {UNRELEASED!r}")
    return f"{before}{UNRELEASED}\n\n## [{version}] - {day}\n{after}"


def build(tree: Path, into: Path) -> list[Path]:
    """Build the sdist and the wheel; the wheel comes out of the sdist, as it does for a packager."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", into, cwd=tree)
    sdist = next(into.glob("*.tar.gz"))
    with tarfile.open(sdist) as packed:
        packed.extractall(into.parent / "unpacked", filter="data")
    unpacked = next((into.parent / "unpacked").iterdir())
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", into, cwd=unpacked)
    return sorted(into.iterdir())


def check(file: Path, version: str) -> None:
    """Check a file's metadata by the index's rules, and that a wheel holds the package alone."""
    names, metadata = read(file)
    if str(metadata.version) != version or metadata.name != NAME:
        raise NotReady(f"{file.name} is {metadata.name} {metadata.version}, not {NAME} {version}")
    if not metadata.description or "markdown" not in str(metadata.description_content_type):
        raise NotReady(f"{file.name} has no description in Markdown")
    if file.suffix == ".whl":
        check_content(file.name, names)


def read(file: Path) -> tuple[list[str], Metadata]:
    """Return the names in a wheel or sdist, and its metadata; invalid fields raise."""
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            names = wheel.namelist()
            text = wheel.read(next(name for name in names if name.endswith(".dist-info/METADATA")))
    else:
        with tarfile.open(file) as sdist:
            names = sdist.getnames()
            inner = min((name for name in names if name.endswith("/PKG-INFO")), key=len)
            text = sdist.extractfile(inner).read()  # type: ignore[union-attr]
    try:
        return names, Metadata.from_email(text, validate=True)
    except ExceptionGroup as errors:
        told = "; ".join(str(error) for error in errors.exceptions)
        raise NotReady(f"the metadata of {file.name} are invalid: {told}") from errors


def check_content(wheel: str, names: list[str]) -> None:
    """Check that a wheel has the files that no import would miss, and no module of anything else."""
    if missing := {f"{PACKAGE}/{name}" for name in DATA} - set(names):
        raise NotReady(f"{wheel} lacks {min(missing)}")
    tops = {name.partition("/")[0] for name in names}
    if foreign := {top for top in tops if top != PACKAGE and not top.endswith(".dist-info")}:
        raise NotReady(f"{wheel} would install {min(foreign)}")


def install_wheel(wheel: Path, venv: Path) -> str:
    """Install the wheel in a new environment, import its names, and return the version that Airflow lists."""
    run(BIN / "uv", "venv", "--python", sys.executable, venv)
    pins = ROOT / "constraints.txt"
    run(BIN / "uv", "pip", "install", "--python", venv / "bin/python", "--constraint", pins, wheel)
    return run(venv / "bin/python", "-W", "ignore", "-c", LISTED, cwd=venv).split()[-1]


def keep(root: Path, changelog: Path, files: list[Path]) -> None:
    """Copy the cut changelog and the built files into the working tree."""
    shutil.copy(changelog, root / "CHANGELOG.md")
    (root / "dist").mkdir(exist_ok=True)
    for file in files:
        shutil.copy(file, root / "dist")


def run(*command: object, cwd: Path | None = None) -> str:
    """Run a command and return what it printed, or stop the release with what it printed."""
    words = [str(word) for word in command]
    own = {"AIRFLOW_HOME": str(cwd or Path.cwd()), "PYTHONPATH": ""}
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False, env=os.environ | own)  # noqa: S603
    if done.returncode:
        raise NotReady(f"`{' '.join(words[:4])} ...` failed:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.release", description=__doc__)
    today = datetime.now(UTC).date()
    parser.add_argument("--write", action="store_true", help="cut CHANGELOG.md and keep the files in dist/")
    parser.add_argument("--date", type=date.fromisoformat, default=today, help="of the release (%(default)s)")
    parser.add_argument(
        "--no-install", dest="install", action="store_false", help="leave the wheel uninstalled"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
