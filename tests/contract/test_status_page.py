"""The status page's files: small, its own, and without anything a strict content policy would refuse."""

import re
from pathlib import Path

import pytest

from entrypoint.status.base_handler import HEADERS
from entrypoint.status.server import PAGE, TYPES

FILES = sorted(Path(PAGE).iterdir())
PAGES = [path for path in FILES if path.suffix == ".html"]


def test_the_page_is_under_100_kb() -> None:
    assert sum(path.stat().st_size for path in FILES) < 100_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_other_host_and_no_absolute_path(path: Path) -> None:
    """The page may be served below a prefix (JupyterLab's proxy)."""
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")
    assert not re.findall(r"https?:|//[a-z0-9.-]+\.[a-z]{2,}", text)
    assert not re.findall(r"""(?:href|src|action)=["']/""", text)
    assert not re.findall(r"""(?:fetch|EventSource|from|import)\(?\s*["'`]/""", text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_inline_script_or_style(path: Path) -> None:
    text = path.read_text()
    assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text)


def test_no_markup_is_parsed_from_text() -> None:
    """Log lines and reasons are other people's words."""
    for path in FILES:
        assert not re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", path.read_text()
        )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_file_a_page_names_is_there_and_of_a_known_type(path: Path) -> None:
    named = re.findall(r'(?:href|src)="([\w.-]+\.(?:css|js|svg))"', path.read_text())
    assert named
    assert {name for name in named if not (Path(PAGE) / name).exists()} == set()
    assert {Path(name).suffix for name in named} <= set(TYPES)


def test_the_content_policy_allows_only_the_servers_own_files() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
