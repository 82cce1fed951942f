"""The documentation says what the code does: generated pages, commands, settings, links, code."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

import docs.generate as generate
from enrico.errors import EnricoError
from enrico.export.tables import COLUMNS
from enrico.sandbox import DEFAULT_KEYS, SandboxConfig, start, write_sample_crm
from enrico.sandbox.__main__ import _parser as sandbox_parser

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = sorted([README, ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMANDS = generate.commands()
SETTINGS = [row for _, rows in generate.setting_rows() for row in rows]


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [text for name, text in found if name == language]


def command_lines() -> list[tuple[str, list[str]]]:
    """(page, words) of every ``enrico`` and ``make`` command in the pages' shell blocks."""
    found = []
    for page in PAGES:
        for line in "".join(blocks(page, "sh")).splitlines():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]
            if words and Path(words[0]).name in ("enrico", "make"):
                words[0] = Path(words[0]).name
                found.append((str(page.relative_to(ROOT)), words))
    return found


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }


def test_the_reference_pages_are_fresh() -> None:
    assert [path.name for path in generate.stale_pages()] == []


def test_the_check_names_what_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "REFERENCE", tmp_path)
    assert generate.main([]) == 0
    (tmp_path / "errors.md").write_text("old", encoding="utf-8")

    code = generate.main(["--check"])

    assert code == 1
    assert capsys.readouterr().err == "docs/reference/errors.md is stale. Run: make docs\n"


def test_a_column_without_a_meaning_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COLUMNS, "deals", (*COLUMNS["deals"], "mystery"))

    with pytest.raises(KeyError, match="mystery"):
        generate.tables_page()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_an_example(command: str) -> None:
    text = generate.help_of(command)

    assert f"Usage: enrico {command}" in text
    assert "For example:" in text
    assert re.search(rf"^  enrico {command}\b", text, re.MULTILINE)


@pytest.mark.parametrize(("env", "name", "field"), SETTINGS, ids=[row[0] for row in SETTINGS])
def test_every_setting_is_documented(env: str, name: str, field: Any) -> None:
    page = (generate.REFERENCE / "settings.md").read_text(encoding="utf-8")

    assert field.description
    assert f"| `{name}` | `{env}` |" in page


def test_every_error_is_documented_once_by_its_code() -> None:
    page = (generate.REFERENCE / "errors.md").read_text(encoding="utf-8")
    classes: list[type[EnricoError]] = generate.error_classes()

    assert all(inspect.getdoc(kind) for kind in classes)
    assert all(
        f"| `{kind.code}` | {kind.exit_code} | {kind.__name__} |" in page for kind in classes
    )


def test_every_direct_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(line for extra in extras for line in extra)]
    names = {re.split(r"[\[<>=~!; ]", line)[0] for line in wanted}
    page = (ROOT / "docs/decisions/0002-dependencies.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", page, re.MULTILINE))

    assert set(told) == names
    assert all(len(reason) > 15 for reason in told.values())


def test_the_first_screen_of_the_readme_has_what_a_newcomer_needs() -> None:
    first = "\n".join(README.read_text(encoding="utf-8").splitlines()[:40])

    for wanted in (
        "make demo", "make test", "enrico enrich exports/ -o results/", "from enrico import Enrico",
        "docs/tutorial.md", "(#how-to)", "docs/reference/", "docs/explanation/", "docs/glossary.md",
        "docs/decisions", "CHANGELOG.md",
    ):  # fmt: skip
        assert wanted in first


async def test_the_readmes_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [snippet] = blocks(README, "python")
    monkeypatch.chdir(tmp_path)
    write_sample_crm(tmp_path / "exports", deals=10)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    async with await start(SandboxConfig(profile="instant")) as sandbox:
        for name, url in (
            ("APOLLO", sandbox.apollo_url),
            ("SERPER", sandbox.serper_url),
            ("DEEPSEEK", sandbox.llm_url),
        ):
            monkeypatch.setenv(f"{name}_BASE_URL", url)
            monkeypatch.setenv(f"{name}_API_KEY", DEFAULT_KEYS[name.lower()])

        await eval(compile(snippet, "README.md", "exec", flags), {})

    assert capsys.readouterr().out.startswith("done ")
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == [
        "accounts.csv", "deal_contacts.csv", "deals.csv", "signals.csv",
    ]  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_python_in_the_pages_is_python_and_names_what_there_is(page: Path) -> None:
    import enrico
    import enrico.sandbox as sandbox

    for text in blocks(page, "python"):
        tree = compile(
            text, str(page), "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        )  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in ("enrico", "enrico.sandbox"):
                home = enrico if node.module == "enrico" else sandbox
                assert all(hasattr(home, alias.name) for alias in node.names)


def test_every_command_in_the_pages_exists_with_its_flags() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    of_sandbox = {flag for action in sandbox_parser()._actions for flag in action.option_strings}
    helps = {command: generate.help_of(command) for command in COMMANDS}
    lines = command_lines()

    assert len(lines) > 40
    for page, (program, command, *rest) in lines:
        where = f"{page}: {program} {command} {' '.join(rest)}"
        if program == "make":
            assert command in targets, where
            continue
        assert command in COMMANDS, where
        for flag in (word.partition("=")[0] for word in rest if word.startswith("-")):
            known = of_sandbox if command == "sandbox" else helps[command]
            assert flag in known, where


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, waiting = set[Path](), [README]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.is_dir() and not re.match(r"[a-z]+:", link):
                waiting.extend(target.glob("*.md"))
            elif target.suffix == ".md" and target.exists():
                waiting.append(target)

    assert [str(page) for page in PAGES if page not in seen] == []
