"""What must be true of a job that died, once or several times, and was started again.

The judges are the sandbox's ledger and the journal, each read from outside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tests.chaos.court import Entry
from tests.chaos.snapshot import Snapshot
from tests.chaos.world import KILL_EXIT, Trial

PROVIDERS = ("apollo", "serper", "llm")
HELD = 6
REFUSED = 429


class Case:
    """One trial: tell it of each death and of the end; it collects what is wrong."""

    def __init__(
        self,
        trial: Trial,
        env: Mapping[str, str],
        *,
        at_once: int,
        policy: str,
        told: str,
    ) -> None:
        self.trial = trial
        self.failures: list[str] = []
        self.deaths = 0
        self.kept = 0
        """Answers that were in the journal at a death."""
        self.in_doubt = 0
        """People in calls that were in flight at a death."""
        self.held = 0
        self.repaid = 0
        self._env = env
        self._reference = trial.world.undisturbed
        self._at_once = at_once
        self._policy = policy
        self._told = told
        self._answers: dict[str, bytes] = {}
        self._answered: set[tuple[str, str]] = set()
        self._may_repeat: Counter[tuple[str, str]] = Counter()
        self._seen: set[str] = set()
        self._doubted: set[str] = set()
        self._arrived = False

    def died(self, code: int = KILL_EXIT) -> None:
        """A process was killed; look at what it left."""
        if code != KILL_EXIT:
            self._wrong(f"it was to be killed and ended with {code}: {self.trial.said()}")
        self.deaths += 1
        ledger = self.trial.world.court.ledger()
        found = self._look(ledger)
        for provider in PROVIDERS:
            new = [row for row in found.in_flight(provider) if row.id not in self._seen]
            if len(new) > self._at_once:
                self._wrong(f"{len(new)} calls to {provider} in flight, {self._at_once} allowed")
            for row in new:
                self._seen.add(row.id)
                self._may_repeat.update((provider, item) for item in row.items)
                if provider == "apollo":
                    self.in_doubt += len(row.items)
                    self._doubted.update(row.items)
                    self._arrived |= any(entry.body == row.sent for entry in ledger)
        for row in found.calls.values():
            if row.state == "answered":
                self._answers[row.id] = row.answer
                self._answered.update((row.provider, item) for item in row.items)
        self.kept = len(self._answers)
        self._asked = len(ledger)

    def ended(self, code: int) -> None:
        """The command came to its end undisturbed; look at all of it."""
        ledger = self.trial.world.court.ledger()
        found = self._look(ledger)
        self._check_money(ledger, found)
        self.held = len(found.held)
        if self.held and code == HELD:
            self._settle_by_hand()
        elif code:
            self._wrong(f"the last run ended with {code}: {self.trial.said()}")
        elif self.trial.results() != self._reference.results:
            self._wrong("the export is another than without a kill")

    def _look(self, ledger: list[Entry]) -> Snapshot:
        found = self.trial.snapshot()
        if found.integrity != "ok":
            self._wrong(f"the database is damaged: {found.integrity}")
        if found.facts_without_answer:
            self._wrong(f"{found.facts_without_answer} facts rest on no recorded answer")
        meant = {row.sent for row in found.calls.values()}
        if unmeant := sum(entry.body not in meant for entry in ledger):
            self._wrong(f"{unmeant} calls were sent without an intent in the journal")
        lost = [
            id
            for id, answer in self._answers.items()
            if id not in found.calls
            or (found.calls[id].state, found.calls[id].answer) != ("answered", answer)
        ]
        if lost:
            self._wrong(f"{len(lost)} recorded answers are gone")
        return found

    def _check_money(self, ledger: list[Entry], found: Snapshot) -> None:
        if left := found.in_flight():
            self._wrong(f"{len(left)} calls are still in doubt at the end")
        asked = Counter(
            (entry.provider, item)
            for entry in ledger
            if entry.status != REFUSED
            for item in entry.items
        )
        once = Counter(
            (entry.provider, item) for entry in self._reference.ledger for item in entry.items
        )
        too_often = [
            what
            for what, times in asked.items()
            if times > max(1, once[what]) + self._may_repeat[what]
        ]
        if too_often:
            self._wrong(f"{len(too_often)} things were asked for too often")
        if self.deaths:
            again = {(e.provider, item) for e in ledger[self._asked :] for item in e.items}
            if repeated := again & self._answered:
                self._wrong(f"{len(repeated)} things with a recorded answer were asked for again")
        paid = Counter(key for entry in ledger if entry.provider == "apollo" for key in entry.keys)
        self.repaid = sum(times - 1 for times in paid.values())
        if self._policy != "retry" and self.repaid:
            self._wrong(f"{self.repaid} credits paid twice though calls in doubt are not resent")
        if self.repaid > self.in_doubt:
            self._wrong(f"{self.repaid} credits paid twice, {self.in_doubt} were in flight")
        if self._policy == "hold" and found.held != self._doubted:
            self._wrong(f"{len(found.held)} people held, {len(self._doubted)} in doubt")
        if not found.held <= self._doubted:
            self._wrong("people are held who were not in doubt")
        if self._policy == "reconcile" and found.held and not self._arrived:
            self._wrong("people are held though no call in doubt had arrived")

    def _settle_by_hand(self) -> None:
        """One command frees what is held, and the same command as ever brings the rest."""
        freed = self.trial.run(self.trial.world.command(self._env, "held", "retry", "--all"))
        code = self.trial.run(self.trial.world.job(self._env))
        if freed or code:
            self._wrong(f"held calls settled: {freed}, {code}: {self.trial.said()}")
        elif self.trial.results() != self._reference.results:
            self._wrong("with held calls settled, the export is another than without a kill")

    def _wrong(self, words: str) -> None:
        self.failures.append(f"{self._told}: {words}")
