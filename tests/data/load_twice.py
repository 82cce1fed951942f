"""Loads 5,000 rows, then 20,000, into databases in the folder given; prints the peak MB of each."""

import asyncio
import resource
import sys
from pathlib import Path

from enrico.client import Enrico
from enrico.intake import ingest, staging

# Caches as small as the exports: a full one must not be taken for growth.
staging._CACHE_KIB = 1_000
ingest._REMEMBERED = 2_000
HEAD = "Record ID,Deal,Company,Stage,Amount,Contact ID,Contact name,Contact email,Contact title\n"


def write(path: Path, rows: int) -> None:
    """A flat export. Names and addresses repeat, so that what is cached by them stays small."""
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD)
        for n in range(rows):
            deal, person = n // 5, n % 500
            file.write(
                f"{10_000 + deal},Deal number {deal},Firm {deal % 200},Won,{deal}00,{900_000 + n},"
                f"Jane Doe{person},jane{person}@firm{person % 200}.com,Director of things\n"
            )


async def load(folder: Path, rows: int) -> float:
    """Load so many rows; the most memory that this process ever took, in MB."""
    path = folder / f"{rows}.csv"
    write(path, rows)
    async with Enrico(database_url=f"sqlite:///{folder / f'{rows}.db'}") as enrico:
        report = await enrico.load(path)
    assert (report.deals, report.contacts) == (rows // 5, rows), report
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    for size in (5_000, 20_000):
        print(asyncio.run(load(Path(sys.argv[1]), size)))
