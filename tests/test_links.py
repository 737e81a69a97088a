"""Links in the documentation lead somewhere, and every page is linked."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
]
PAGES = sorted(path for path in TRACKED if path.suffix == ".md" and path.is_file())
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED = re.compile(r"\bdocs/[\w./-]+\.(?:md|png|jpg)\b")
"""A file of the documentation that code, settings or prose name without a link."""


def prose(page: Path) -> str:
    """Text of a page without what stands in code."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def targets(page: Path) -> Iterator[tuple[Path, str]]:
    """File and heading of each relative link."""
    for link in LINK.findall(prose(page)):
        if "://" not in link:
            name, _, heading = link.partition("#")
            yield ((page.parent / name).resolve() if name else page), heading


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_heading(page):
    for target, heading in targets(page):
        assert target.exists(), target.relative_to(ROOT)
        assert not heading or heading in anchors(target), f"{target.relative_to(ROOT)}#{heading}"


def test_readme_leads_to_every_page_and_picture_of_the_documentation():
    seen, open_ = set(), [ROOT / "README.md"]
    while open_:
        page = open_.pop()
        new = {target for target, _ in targets(page) if target.is_file()} - seen
        seen |= new
        open_ += [target for target in new if target.suffix == ".md"]
    wanted = {path for path in TRACKED if ROOT / "docs" in path.parents and path.is_file()}
    assert {str(path.relative_to(ROOT)) for path in wanted - seen} == set()


def test_documentation_that_is_named_elsewhere_exists():
    texts = {".py", ".js", ".yml", ".yaml", ".env", ".example", ".html", ".md", ".json"}
    for path in TRACKED:
        if path.suffix in texts and path.is_file():
            for name in NAMED.findall(path.read_text(encoding="utf-8")):
                assert (ROOT / name).exists(), f"{path.relative_to(ROOT)}: {name}"
