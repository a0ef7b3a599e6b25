"""A release is built from the last commit, checked, and kept only when asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import pytest

from scripts import release
from scripts.release import NotReady, cut, main, version_of

ROOT = Path(__file__).parents[2]
DAY = date(2026, 12, 1)
PACKED = ["pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore"]


def git(tree, *words):
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *who, *words], cwd=tree, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    """A repository with one commit, which holds what is packaged, and a file that nobody committed."""
    tree = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / release.PACKAGE, tree / release.PACKAGE, ignore=ignored)
    for name in PACKED:
        shutil.copy(ROOT / name, tree)
    git(tree, "init", "--quiet")
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "--message", "All")
    (tree / release.PACKAGE / "stray.py").write_text("")
    return tree


def test_a_dry_run_changes_nothing(checkout, capsys):
    """Files are built and checked; the working tree stays as it is, and what was done is said."""
    before = (checkout / "CHANGELOG.md").read_bytes()

    assert main(["--no-install", "--date", "2026-12-01"], checkout) == 0

    said = capsys.readouterr().out
    assert f"[Unreleased] becomes [{version_of(ROOT)}] - 2026-12-01." in said
    assert said.count("Built and checked airflow_provider_openai_batch-") == 2
    assert "This was a dry run" in said
    assert (checkout / "CHANGELOG.md").read_bytes() == before
    assert not (checkout / "dist").exists()


def test_a_release_is_kept_when_asked(checkout):
    """The changelog is cut, and dist/ holds a wheel that imports and that Airflow lists."""
    (checkout / release.PACKAGE / "stray.py").unlink()

    assert main(["--no-install", "--write", "--date", "2026-12-01"], checkout) == 0

    assert f"\n## [{version_of(ROOT)}] - 2026-12-01\n" in (checkout / "CHANGELOG.md").read_text()
    assert len(list((checkout / "dist").glob("*.tar.gz"))) == 1
    unpacked = checkout.parent / "unpacked"
    with zipfile.ZipFile(next((checkout / "dist").glob("*.whl"))) as wheel:
        wheel.extractall(unpacked)
    listed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", release.LISTED],
        cwd=unpacked,
        env=os.environ | {"PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.split()[-1] == version_of(ROOT)


def test_only_what_is_committed_is_released(checkout, capsys):
    """A file that nobody committed stops a release, and is not in the files of a dry run."""
    assert main(["--no-install", "--write"], checkout) == 1
    assert "stray.py" in capsys.readouterr().err

    tree = release.export(checkout, checkout.parent / "tree")
    assert not (tree / release.PACKAGE / "stray.py").exists()


def test_the_changelog_is_cut():
    """What is unreleased gets a version and a day, and an empty heading waits above it."""
    text = (
        "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n\n## [0.1.0] - 2026-01-01\n\n- First.\n"
    )

    assert cut(text, "0.2.0", DAY) == (
        "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n### Added\n\n- A thing.\n\n"
        "## [0.1.0] - 2026-01-01\n\n- First.\n"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("## [Unreleased]\n\n- A.\n\n## [0.2.0] - 2026-01-01\n", "has 0.2.0 already"),
        ("## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n", "lists nothing"),
        ("# Changelog\n", "no heading"),
    ],
)
def test_a_changelog_that_cannot_be_cut_is_named(text, reason):
    """No version is released twice, and none without a word for its users."""
    with pytest.raises(NotReady, match=reason):
        cut(text, "0.2.0", DAY)


def packed(path, *, metadata, names):
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("x.dist-info/METADATA", metadata)
        for name in names:
            wheel.writestr(name, "")
    return path


HEAD = "Metadata-Version: 2.4\nName: airflow-provider-openai-batch\nVersion: 0.1.0\n"
TEXT = "Description-Content-Type: text/markdown\n\n# Words\n"
OURS = [f"{release.PACKAGE}/{name}" for name in release.DATA]


@pytest.mark.parametrize(
    ("metadata", "names", "reason"),
    [
        (f"{HEAD}Requires-Python: three\n{TEXT}", OURS, "metadata of x.whl are invalid: .*three"),
        (f"{HEAD}\n", OURS, "no description in Markdown"),
        (f"{HEAD.replace('0.1.0', '0.0.9')}{TEXT}", OURS, "0.0.9, not airflow-provider-openai-batch 0.1.0"),
        (f"{HEAD}{TEXT}", OURS[1:], "lacks .*py.typed"),
        (f"{HEAD}{TEXT}", [*OURS, "tests/__init__.py"], "would install tests"),
    ],
)
def test_a_bad_file_stops_the_release(tmp_path, metadata, names, reason):
    """Wrong metadata, missing data files, and foreign packages are named before anything is kept."""
    wheel = packed(tmp_path / "x.whl", metadata=metadata, names=names)

    with pytest.raises(NotReady, match=reason):
        release.check(wheel, "0.1.0")


def test_a_good_file_passes(tmp_path):
    """The checks object to nothing that is in order."""
    release.check(packed(tmp_path / "x.whl", metadata=f"{HEAD}{TEXT}", names=OURS), "0.1.0")
