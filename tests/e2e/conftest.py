"""Real processes: the command line against a sandbox that lives in the test's own loop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from enrico.cli import run_command
from enrico.sandbox import DEFAULT_KEYS, RunningSandbox

PATIENCE_SECONDS = 60.0
# As at a terminal, though the tests themselves may run under nohup; processes inherit it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@dataclass(frozen=True)
class Done:
    """A process that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """All of stdout as one JSON document."""
        return orjson.loads(self.out)


class Cli:
    """Runs ``python -m enrico`` in a folder of its own, with keys and addresses of a sandbox."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ENRICO_", "APOLLO_", "SERPER_", "DEEPSEEK_", "COVERAGE_"))
        }
        self.env["ENRICO_DATABASE_URL"] = f"sqlite:///{self.database}"
        self.env["ENRICO_APOLLO__LIMITS"] = self.env["ENRICO_SERPER__LIMITS"] = "1000/s"
        self.env["ENRICO_APOLLO__SETTLE_SECONDS"] = "0"
        self.running: list[asyncio.subprocess.Process] = []

    def at_noon(self, offset: timedelta) -> None:
        """The clock of the processes' journals is moved by *offset*."""
        places = [str(Path(__file__).parent / "noon"), self.env.get("PYTHONPATH", "")]
        self.env["PYTHONPATH"] = os.pathsep.join(filter(None, places))
        self.env["TESTS_CLOCK_OFFSET"] = str(offset.total_seconds())

    @property
    def database(self) -> Path:
        """The database of this test."""
        return self.folder / "enrico.db"

    def use(self, sandbox: RunningSandbox) -> None:
        """Point everything at *sandbox*."""
        for name, url in (
            ("APOLLO", sandbox.apollo_url),
            ("SERPER", sandbox.serper_url),
            ("DEEPSEEK", sandbox.llm_url),
        ):
            self.env[f"{name}_BASE_URL"] = url
            self.env[f"{name}_API_KEY"] = DEFAULT_KEYS[name.lower()]

    async def start(self, *arguments: str | Path, **env: str) -> asyncio.subprocess.Process:
        """Start a command."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "enrico", *map(str, arguments),
            cwd=self.folder, env={**self.env, **env}, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self.running.append(process)
        return process

    async def end(self, process: asyncio.subprocess.Process) -> Done:
        """Wait for the end of a command."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            out, err = await process.communicate()
        assert process.returncode is not None
        return Done(process.returncode, out.decode(), err.decode())

    async def __call__(self, *arguments: str | Path, **env: str) -> Done:
        """Run a command to its end."""
        return await self.end(await self.start(*arguments, **env))


class Command:
    """Runs a command line inside the test's process, in a thread of its own: for those that read.

    Starting a process takes longer than all that these commands do.
    """

    def __init__(self, cli: Cli, capfd: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch):
        self._cli = cli
        self._capfd = capfd
        self._patch = patch

    async def __call__(self, *arguments: str | Path, **env: str) -> Done:
        """Run a command to its end."""
        for name, value in {**self._cli.env, **env}.items():
            if name.startswith(("ENRICO_", "APOLLO_", "SERPER_", "DEEPSEEK_")):
                self._patch.setenv(name, value)
        self._patch.chdir(self._cli.folder)
        self._capfd.readouterr()
        code = await asyncio.to_thread(run_command, [str(part) for part in arguments])
        out, err = self._capfd.readouterr()
        return Done(code, out, err)


@pytest.fixture
def command(
    cli: Cli, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """Commands that only read, and those that end with an error before they do anything."""
    return Command(cli, capfd, monkeypatch)


@pytest.fixture
async def cli(tmp_path: Path) -> AsyncIterator[Cli]:
    """The command line; what still runs at the end of a test is killed."""
    made = Cli(tmp_path)
    yield made
    for process in made.running:
        if process.returncode is None:
            process.kill()
            await process.communicate()
