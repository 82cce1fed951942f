"""forget, privacy: people's data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from enrico.cli.common import DEFAULT, Common, print_json, say, table, usage, with_client
from enrico.client import Enrico
from enrico.privacy.forget import Erased

WAITING = "Another process runs or loads over this database; waiting for its end."
OUT_OF_REACH = (
    "Not in our reach: the CRM itself, what the provider keeps, copies of files and of the "
    "database (backups, snapshots, replicas, a server's write-ahead log and its archive), files "
    "that somebody has changed."
)
FATES = {
    "rewritten": "written anew without them",
    "deleted": "deleted",
    "changed": "changed since we wrote it, so left alone: look into it yourself",
    "gone": "no longer where we wrote it: look for copies",
    "elsewhere": "on that machine, not erased: run the same command there",
}
PARTIAL = 3


def forget(
    targets: list[str],
    /,
    *,
    dry_run: bool = False,
    yes: bool = False,
    common: Common = DEFAULT,
) -> int:
    """Erase people and keep them out.

    Parameters
    ----------
    targets
        E-mail addresses, or domains for everybody with an address there.
    dry_run
        Only say what would go.
    yes
        Do not ask.
    """

    async def work(client: Enrico) -> int:
        desk = client.desk(lambda: say(WAITING))
        if not dry_run and not yes and not _agreed(await desk.preview(targets), len(targets)):
            say("Nothing was erased.")
            return 1
        done = await (desk.preview if dry_run else desk.forget)(targets)
        if common.json:
            print_json({"dry_run": dry_run, **done.as_dict()})
        else:
            _say_erased(done, dry_run)
        return 0 if done.is_whole else PARTIAL

    return with_client(common, work, stored_keys=False)


def _agreed(would: Erased, number: int) -> bool:
    if not sys.stdin.isatty():
        usage("To erase people without a terminal, say --yes; --dry-run says what would go.")
    _say_erased(would, dry_run=True)
    what = "this address or domain" if number == 1 else f"these {number} addresses or domains"
    print(
        f"Erase everybody behind {what} for good? Type yes: ", end="", file=sys.stderr, flush=True
    )
    return sys.stdin.readline().strip().lower() == "yes"


def _say_erased(done: Erased, dry_run: bool) -> None:
    say(
        f"{'Would be erased' if dry_run else 'Erased'}: {done.contacts} contacts, "
        f"{done.deal_contacts} deal contacts, {done.people} people with what was bought, "
        f"their part of {done.calls} recorded calls."
    )
    if done.deals or done.texts:
        say(f"Their names were taken out of {done.deals} deals and {done.texts} other texts.")
    if done.unknown:
        say(f"Of {len(done.unknown)} of those asked for nothing is held.")
    if dry_run:
        return
    say("What the calls cost stays in the ledger. They are neither bought nor loaded again.")
    for fate, paths in sorted(done.files.items()):
        for path in paths:
            say(f"  {path}: {FATES[fate]}")
    say(OUT_OF_REACH)


def privacy(
    action: Literal["list", "export", "allow", "retain", "reset"],
    target: str = "",
    /,
    *,
    yes: bool = False,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    common: Common = DEFAULT,
) -> int:
    """Who is held, and for how long.

    Parameters
    ----------
    action
        list, export, allow, retain or reset.
    target
        An e-mail address; for allow also a domain.
    yes
        For reset: let everybody in again who was to stay forgotten.
    out
        The file to write all that is held of a person to; stdout if unsaid.
    """
    if (action in ("export", "allow")) != bool(target):
        usage(
            f"Say whom to {action}: enrico privacy {action} jane@acme.com"
            if not target
            else f"enrico privacy {action} takes no address."
        )

    if action == "reset" and not yes:
        usage(
            "This lets everybody in again who was to stay forgotten, and is meant for a master key "
            "that is lost. Say --yes; then run enrico forget for each of them again."
        )

    async def work(client: Enrico) -> int:
        desk = client.desk(lambda: say(WAITING))
        if action == "reset":
            number = await desk.let_all_in()
            if common.json:
                print_json({"lifted": number})
            else:
                say(f"The list is empty; it had {number} hashes. Forget these people again now.")
        elif action == "export":
            told = await desk.tell(target, out)
            if out is None:
                print_json(told)
            elif common.json:
                print_json({"path": str(out), "held": told["held"]})
            else:
                say(f"{out}: {'all that is held' if told['held'] else 'nothing is held'}.")
        elif action == "allow":
            lifted = await desk.let_in(target)
            if common.json:
                print_json({"lifted": lifted})
            else:
                say("May be loaded and bought again." if lifted else "Was not suppressed.")
        elif action == "retain":
            retired = await desk.retain()
            if common.json:
                print_json(retired.as_dict())
            else:
                words = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in retired.told())
                say(f"Let go: {words}." if words else "Nothing is older than the settings allow.")
        else:
            found = await desk.suppressed()
            if common.json:
                print_json(found)
            else:
                columns = ["kind", "hashes", "newest"]
                table(
                    "To stay forgotten", columns, [[row[name] for name in columns] for row in found]
                )
        return 0

    return with_client(common, work, stored_keys=False)
