"""The pages for readers, against the code and against each other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from urllib.parse import unquote

import pytest

from entrypoint import __version__
from entrypoint.cli import MODULES
from entrypoint.commands.arguments import CONTROL
from entrypoint.settings.settings import Settings
from tests.support.checkout import ROOT

README = ROOT / "README.md"
TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "RELEASING.md")
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*(ROOT / name for name in TOP if (ROOT / name).exists()), *DOCS]
DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
#: A newcomer reads the README to its end.
README_LINES = 150
#: The document that the pod was built from, "JupyterLab RunPod Proxy Fix": its settings, paths and commands.
PROXY_FIX = (
    "c.ServerApp.allow_remote_access = True",
    "c.ServerApp.allow_origin = '*'",
    "c.ServerApp.disable_check_xsrf = True",
    "c.ServerApp.trust_xheaders = True",
    "c.ServerApp.terminals_enabled = True",
    "cat /var/log/jupyter.log",
    "cat /root/.jupyter/jupyter_lab_config.py | grep allow_remote_access",
    "ls -ld /comfyui",
    "drwxrwxrwx",
    "cat /root/.jupyter/jupyter_lab_config.py | grep terminals_enabled",
    "pip list | grep jupyter-server-terminals",
    "cat /var/log/jupyter.log | grep -i terminal",
    "https://jupyter-server.readthedocs.io/en/latest/other/full-config.html",
)


def prose(text: str) -> str:
    """Markdown without its code blocks."""
    return re.sub(r"(?ms)^ *```.*?^ *```$", "", text)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    found: list[str] = []
    for heading in re.findall(r"(?m)^#{1,6} +(.*?) *#*$", prose(text)):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.append(slug if slug not in found else f"{slug}-{found.count(slug)}")
    return set(found)


def links(text: str) -> list[str]:
    """The targets of all links and images of a page."""
    without_code = re.sub(r"`[^`\n]*`", "", prose(text))
    return [
        *re.findall(r"\]\(\s*<?([^)\s>]+)", without_code),
        *re.findall(r"(?m)^\[[^]]+\]: *(\S+)", without_code),
        *re.findall(r"(?:href|src)=[\"']([^\"']+)", without_code),
    ]


def broken_links(text: str, page: Path) -> list[str]:
    """The relative links of `text` at the place of `page` that lead to no file or no heading."""
    broken = []
    for link in links(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = page.parent / path if path else page
        if path.startswith("/") or not target.exists() or not target.resolve().is_relative_to(ROOT):
            broken.append(link)
            continue
        headings = anchors(text if target == page else target.read_text()) if target.suffix == ".md" else set()
        if anchor and anchor not in headings:
            broken.append(link)
    return broken


def missing_words(words: Iterable[str], pages: Iterable[Path]) -> list[str]:
    """The words that stand on none of the pages. A pipe in a table cell is written with a backslash."""
    text = "\n".join(page.read_text() for page in pages).replace("\\|", "|")
    return [word for word in words if not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)]


def command_words() -> list[str]:
    """`podkeeper WORD`, and `podkeeper models WORD`."""
    return [
        f"podkeeper {word}"
        for word in (
            *CONTROL,
            *MODULES,
            "completion",
            *(f"models {verb}" for verb in ("list", "plan", "fetch", "verify", "add", "rm")),
        )
    ]


def missing_files(text: str) -> list[str]:
    """The files in backticks that are neither in the project nor in entrypoint/."""
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|conf|md|yml|yaml|toml|json|js))`", text)
    return [path for path in named if not (ROOT / path).exists() and not (ROOT / "entrypoint" / path).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert broken_links(page.read_text(), page) == []


@pytest.mark.parametrize(
    "text",
    [
        "[x](docs/nowhere.md)",
        "![x](docs/images/nowhere.png)",
        "[x](docs/image.md#nowhere)",
        "[x](#nowhere)\n\n# Somewhere",
        "[two\nlines](docs/nowhere.md)",
        '<a href="docs/nowhere.md">x</a>',
        "[x]: docs/nowhere.md",
        "[x](/README.md)",
        "[x](../../etc/passwd)",
        "[x](LICENSE#mit)",
    ],
)
def test_a_broken_link_is_found(text: str) -> None:
    """Negative control."""
    assert len(broken_links(text, README)) == 1


def test_links_that_are_right_are_not_broken() -> None:
    """Anchors are GitHub's; a link in code is no link."""
    text = (
        "# A `b`: c, d's\n# Twice\n# Twice\n[x](#a-b-c-ds) [x](#twice-1) [x](docs/image.md#health) [x](https://a.b/c#d)"
    )
    code = "\n`[x](nowhere.md)`\n```\n# No heading\n[x](nowhere.md)\n```\n"
    assert broken_links(text + code, README) == []
    assert links(text + code) == ["#a-b-c-ds", "#twice-1", "docs/image.md#health", "https://a.b/c#d"]
    assert "no-heading" not in anchors(text + code)


def test_the_readme_is_short_and_says_how_to_run_and_to_test() -> None:
    text = README.read_text()
    assert len(text.splitlines()) < README_LINES
    assert "\nscripts/run\n" in text
    assert "\nscripts/test\n" in text


def test_every_page_is_reached_from_the_readme() -> None:
    seen, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        if page not in seen:
            seen.add(page)
            paths = [link.partition("#")[0] for link in links(page.read_text()) if not re.match(r"[a-z]+:", link)]
            waiting += [(page.parent / path).resolve() for path in paths if path.endswith(".md")]
    assert [page for page in DOCS if page not in seen] == []


def test_every_setting_is_in_the_docs() -> None:
    assert missing_words([each.metadata["variable"] for each in fields(Settings)], [ROOT / "docs/settings.md"]) == []


def test_every_command_is_in_the_docs() -> None:
    assert missing_words(command_words(), [ROOT / "docs/commands.md", ROOT / "docs/models.md"]) == []


def test_the_proxys_settings_paths_and_commands_are_in_the_docs() -> None:
    assert missing_words(PROXY_FIX, [ROOT / "docs/troubleshooting.md"]) == []


def test_a_word_that_the_docs_lack_is_found() -> None:
    """Negative control; part of a word does not count."""
    assert missing_words(["NO_SUCH_SETTING", "JUPYTER_POR", "podkeeper stat", "cat /var/log/nowhere.log"], DOCS) == [
        "NO_SUCH_SETTING", "JUPYTER_POR", "podkeeper stat", "cat /var/log/nowhere.log",
    ]  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    assert missing_files(page.read_text()) == []


def test_a_file_that_does_not_exist_is_found() -> None:
    """Negative control."""
    assert missing_files("`status/snapshot.py`, `bench/boot.py` and `status/nowhere.py`") == ["status/nowhere.py"]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name)
def test_every_decision_has_its_parts_and_is_in_the_index(page: Path) -> None:
    text = page.read_text()
    parts = re.findall(r"(?m)^(?:## )?(Status|Context|Decision|Consequences)\b", text)
    assert parts == ["Status", "Context", "Decision", "Consequences"]
    title, status = re.findall(r"(?m)^# \d+\. (.*)$|^Status: (.*)$", text)
    number = int(page.name.partition("-")[0])
    assert f"| {number} | [{title[0]}]({page.name}) | {status[1]} |" in (page.parent / "README.md").read_text()


def test_the_numbers_of_the_decisions_have_no_gap() -> None:
    assert [int(page.name.partition("-")[0]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_changelog_has_the_version_and_a_place_for_the_next() -> None:
    releases = re.findall(r"(?m)^## (.*)$", (ROOT / "CHANGELOG.md").read_text())
    assert releases[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(__version__)} - \d{{4}}-\d\d-\d\d", releases[1])
