"""Power cuts: every state that the database's files could be in afterwards, opened and read.

The real job runs once while each write, sync, truncation and deletion of its database is noted
with its bytes. From these notes the files are built again as a disk might hold them after a power
cut: what was synced is there; of what was not, any part may be.
"""

from __future__ import annotations

import pickle
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from enrico.store.journal import Journal
from tests.chaos import disk
from tests.chaos.disk import OK, Step
from tests.chaos.platter import Platter
from tests.chaos.record import Plan, Record
from tests.chaos.spread import Tally, spread
from tests.chaos.world import World, the_world

SECTOR = 512
MEMORY = Path("/dev/shm")
"""Where images are built: that they are on no disk changes nothing for what they hold."""
NOTES = "notes.pickle"
CHUNKS = 32
SUBSETS = 700
SPARSE = 4
"""In the quick form the power goes at every fourth step, and after every acknowledgement."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The product was told that this call is on disk in this state."""

    call: str
    state: str


Note = Step | Acknowledged


@dataclass(frozen=True)
class Part:
    """Some of the moments at which the power may go."""

    notes: Path
    first: int
    last: int
    subsets: int
    """Random choices of what was kept, at each moment."""
    each: bool
    """Also each unsynced write lost alone, and kept alone."""
    seed: int


def cut(plan: Plan) -> Record:
    """Cut the power at every moment of a run, and look at all that the disk may then hold."""
    world = the_world()
    with world.trial() as trial:
        job = world.job(world.env())
        before = (*job.before, _take_notes(trial.folder / NOTES), _tidy_often)
        code = trial.run(replace(job, before=before))
        if code:
            raise RuntimeError(f"the job ended with {code}: {trial.said()}")
        path = trial.folder / NOTES
        notes: list[Note] = _notes(path)
        size = -(-len(notes) // CHUNKS)
        parts = [
            Part(path, first, min(first + size, len(notes)), SUBSETS if plan.full else 1, plan.full,
                 plan.seed)
            for first in range(0, len(notes), size)
        ]  # fmt: skip
        tally = spread(parts, _look)
    images = tally.counts["images"]
    return Record(
        "power cuts",
        {
            "writes, syncs and deletions": sum(isinstance(note, Step) for note in notes),
            "rows acknowledged": sum(isinstance(note, Acknowledged) for note in notes),
            "disk images": images,
            "  of these with a write torn within a page": tally.counts["torn"],
        },
        {
            "images without an acknowledged row": (tally.counts["lost"], images),
            "images that SQLite finds damaged": (tally.counts["damaged"], images),
        },
        tally.failures,
    )


# -- taking notes ---------------------------------------------------------------------------


def _take_notes(path: Path) -> Any:
    """What to do in the child before the job; the notes are complete when the process ends."""

    def arrange() -> None:
        out = path.open("wb")
        # A step is noted when it is asked for, an acknowledgement when it is given: what is noted
        # before an acknowledgement is all that can have reached the disk by then.
        pickler = pickle.Pickler(out)
        pickler.fast = True

        def note(what: Note) -> int:
            pickler.dump(what)
            out.flush()
            return OK

        disk.intercept(note)
        intend, conclude = Journal.intend, Journal.conclude

        async def intending(self: Journal, call_id: str, **known: Any) -> None:
            await intend(self, call_id, **known)
            note(Acknowledged(call_id, "sent"))

        async def concluding(self: Journal, call_id: str, state: str, **known: Any) -> str:
            ended = await conclude(self, call_id, state, **known)
            note(Acknowledged(call_id, state))
            return ended

        Journal.intend = intending  # type: ignore[method-assign]
        Journal.conclude = concluding  # type: ignore[method-assign]

    return arrange


def _tidy_often() -> None:
    """A run as small as ours would copy its log into the database only at the end."""
    connect = sqlite3.connect

    def connecting(*args: Any, **more: Any) -> sqlite3.Connection:
        connection = connect(*args, **more)
        connection.execute("pragma wal_autocheckpoint=60").close()
        return connection

    sqlite3.connect = connecting


def _notes(path: Path) -> list[Note]:
    notes: list[Note] = []
    with path.open("rb") as file:
        while True:
            try:
                notes.append(pickle.load(file))
            except EOFError:
                return notes


# -- images ---------------------------------------------------------------------------------


def _look(world: World, part: Part, tally: Tally) -> None:
    """Build and judge the images of all moments of *part*."""
    folder = Path(
        tempfile.mkdtemp(prefix="enrico-chaos-", dir=MEMORY if MEMORY.is_dir() else world.folder)
    )
    try:
        _look_in(folder, part, tally)
    finally:
        shutil.rmtree(folder)


def _look_in(folder: Path, part: Part, tally: Tally) -> None:
    platter = Platter(folder)
    draw = random.Random(part.seed + part.first)
    expected: dict[str, str] = {}
    seen: set[object] = set()
    for moment, note in enumerate(_notes(part.notes)[: part.last]):
        if isinstance(note, Acknowledged):
            expected[note.call] = note.state
        else:
            platter.take(note)
        if moment < part.first:
            continue
        if not part.each and moment % SPARSE and isinstance(note, Step):
            continue
        for kept, torn in _choices(platter.pending, part, draw):
            image = (platter.syncs, len(expected), tuple(map(id, kept)), torn)
            if image in seen:
                continue
            seen.add(image)
            tally.counts["images"] += 1
            tally.counts["torn"] += torn
            with platter.holding(kept):
                _judge(platter.database, expected, f"moment {moment}, {len(kept)} kept", tally)
        if len(seen) > 10_000:
            seen.clear()
    platter.close()


def _choices(
    pending: Sequence[Step], part: Part, draw: random.Random
) -> Iterator[tuple[Sequence[Step], bool]]:
    """What may have been kept of the steps that were not synced; whether one was torn."""
    yield (), False
    if not pending:
        return
    yield pending, False
    last = pending[-1]
    for piece in _pieces(last, draw if not part.each else None):
        yield (*pending[:-1], piece), True
        if part.each:
            yield (piece,), True
    for _ in range(part.subsets):
        share = draw.random()
        yield [step for step in pending if draw.random() < share], False
    if part.each:
        for place in range(len(pending)):
            yield [*pending[:place], *pending[place + 1 :]], False
            yield [pending[place]], False


def _pieces(step: Step, draw: random.Random | None) -> Iterator[Step]:
    """The beginnings and ends of a write that a disk may have done, sector by sector."""
    start = SECTOR - step.offset % SECTOR
    cuts = list(range(start, len(step.data), SECTOR)) if step.kind == "write" else []
    for cut_at in cuts if draw is None else draw.sample(cuts, min(1, len(cuts))):
        yield step._replace(data=step.data[:cut_at])
        yield step._replace(offset=step.offset + cut_at, data=step.data[cut_at:])


def _judge(database: Path, expected: dict[str, str], told: str, tally: Tally) -> None:
    """The image must be whole and hold every row that was acknowledged."""
    try:
        integrity, found = _read(database)
    except sqlite3.Error as error:
        integrity, found = str(error), {}
    if integrity != "ok":
        tally.counts["damaged"] += 1
        tally.failures.append(f"{told}: damaged: {integrity}")
        return
    lost = [
        call
        for call, state in expected.items()
        if call not in found or (state != "sent" and found[call] == "sent")
    ]
    if lost:
        tally.counts["lost"] += 1
        tally.failures.append(f"{told}: {len(lost)} acknowledged rows are gone")


def _read(database: Path) -> tuple[str, dict[str, str]]:
    if not database.exists():
        return "ok", {}
    journal = Path(f"{database}-journal")
    if not journal.exists() or not journal.stat().st_size:
        # Read-only: closing must not tidy up, for the next image starts from the same files.
        return _found(f"file:{database}?mode=ro")
    with tempfile.TemporaryDirectory(dir=database.parent) as folder:
        # What the making of the file left half done can only be undone by writing.
        for file in (database, journal):
            shutil.copy(file, folder)
        return _found(f"file:{folder}/{database.name}?mode=rw")


def _found(address: str) -> tuple[str, dict[str, str]]:
    with closing(sqlite3.connect(address, uri=True)) as connection:
        integrity = connection.execute("pragma integrity_check").fetchone()[0]
        try:
            calls = connection.execute("select id, state from calls").fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            return integrity, {}
        return integrity, dict(calls)
