"""What a fresh process makes once: counted, because seconds depend on the machine."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

import publicsuffixlist
import pytest

from enrico.cli import collect_rarely
from enrico.domain import identity
from enrico.intake import vocabulary

NOT_ON_THE_WAY = (
    "alembic", "apprise", "cleanco", "duckdb", "opentelemetry", "pandas", "publicsuffixlist",
    "python_calamine", "uvicorn", "xlsxwriter",
)  # fmt: skip


def test_the_suffix_list_says_what_its_library_reads_out_of_it() -> None:
    library = publicsuffixlist.PublicSuffixList(only_icann=True)
    both = publicsuffixlist.PublicSuffixList(accept_unknown=False)

    for line in Path(publicsuffixlist.PSLFILE).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("//"):
            rule = line.lstrip("!").replace("*", "any")
            for host in (f"www.shop.{rule}", f"www.shop.{rule.encode('idna').decode()}"):
                registries, hosting = identity._public_suffixes(host)
                assert registries.publicsuffix(host) == library.publicsuffix(host)
                longest = max(
                    registries.publicsuffix(host), hosting.publicsuffix(host) or "", key=len
                )
                assert longest == both.publicsuffix(host)


def test_no_more_of_the_list_is_parsed_than_an_export_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed: list[str] = []

    def parse(self: Any, source: Any, *_: Any, **__: Any) -> None:
        parsed.extend(source)
        self._publicsuffix, self._maxlabel = frozenset(source), 9

    monkeypatch.setattr(publicsuffixlist.PublicSuffixList, "_parse", parse)
    identity._suffixes_of_ending.cache_clear()
    try:
        identity.registrable_domain("https://shop.acme.co.uk/de")
    finally:
        identity._suffixes_of_ending.cache_clear()

    assert "co.uk" in parsed
    assert all(rule.rpartition(".")[2] == "uk" for rule in parsed)


def test_a_kind_and_a_field_mean_as_one_word_what_the_vocabulary_says_first() -> None:
    raw, tables = vocabulary._vocabulary(), vocabulary.tables()
    expected: dict[str, tuple[str, int]] = {}
    for word, kind in tables.entities.items():
        fields = [
            (target if target == "ignore" else f"{kind}.{target}", rank, alias)
            for target, text in raw["field"][kind].items()
            for rank, alias in enumerate(vocabulary._aliases(text))
        ]
        for target, rank, alias in fields:
            expected.setdefault(word + alias, (target, rank + 50))
        for target, rank, alias in fields:
            expected.setdefault(alias + word, (target, rank + 60))

    for word, meant in expected.items():
        found = tables.combined.get(word)
        assert found is not None
        assert (found.target, found.rank) == meant
    assert tables.combined.get("contactemailq") is None


def test_the_vocabulary_is_not_multiplied_out(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    meaning = vocabulary.Meaning

    def counted(target: str, **rest: object) -> vocabulary.Meaning:
        made.append(target)
        return meaning(target, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(vocabulary, "Meaning", counted)

    vocabulary.tables.__wrapped__()

    assert len(made) < 3_000


def test_a_command_begins_without_what_it_may_not_need() -> None:
    code = (
        "import sys, enrico.cli.main_job\n"
        "from enrico.domain.signals import evidence\n"
        "from enrico.domain.titles import table\n"
        "from enrico.intake import vocabulary\n"
        "print(*sys.modules)\n"
        "print(evidence._words_of.cache_info().currsize, vocabulary.tables.cache_info().currsize,"
        " table.title_table.cache_info().currsize)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules, made = run.stdout.splitlines()

    assert {name.partition(".")[0] for name in modules.split()}.isdisjoint(NOT_ON_THE_WAY)
    assert made == "0 0 0"


@pytest.mark.parametrize(
    ("code", "most"), [("import enrico", 100), ("import enrico.cli; enrico.cli.main()", 320)]
)
def test_help_and_import_bring_nothing_that_takes_long_to_import(code: str, most: int) -> None:
    # Modules are counted where seconds would depend on the machine. Help brings 280 of them.
    ends = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    done = subprocess.run(
        [sys.executable, "-c", f"{ends}sys.argv = ['enrico', '--help']; {code}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    modules = done.stderr.splitlines()[-1].split()

    assert "enrico" in modules
    roots = {name.partition(".")[0] for name in modules}
    assert roots.isdisjoint({*NOT_ON_THE_WAY, "aiohttp", "pydantic", "sqlalchemy", "yarl"})
    assert len(modules) < most


def test_a_command_looks_for_garbage_rarely() -> None:
    before = gc.get_threshold()
    try:
        collect_rarely()
        assert gc.get_threshold() > (10_000, 0, 0)
    finally:
        gc.set_threshold(*before)
