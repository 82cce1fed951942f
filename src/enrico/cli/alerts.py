"""alerts: the rules, what was told, and a test message."""

from __future__ import annotations

from enrico.alerts.notices import read_notices
from enrico.alerts.rules import RULES
from enrico.alerts.sending import Notifier, sample_message
from enrico.cli.common import DEFAULT, Common, print_json, say, table, usage, with_client
from enrico.client import Enrico
from enrico.store.journal import timestamp


def alerts(*, test: bool = False, common: Common = DEFAULT) -> int:
    """List the rules and what was told last.

    Parameters
    ----------
    test
        Send a test message to all addresses instead.
    """

    async def work(client: Enrico) -> int:
        if test:
            return await _test(client, common)
        told = await read_notices(client.db)
        found = {
            "addresses": len(client.settings.alerts.notify),
            "rules": [
                {
                    "rule": rule.id, "severity": rule.severity, "what": rule.what,
                    "why": rule.why, "do": rule.do, "runbook": rule.runbook,
                }
                for rule in RULES.values()
            ],
            "told": [
                {"rule": n.rule, "subject": n.subject, "at": timestamp(n.at), "text": n.text}
                for n in told
            ],
        }  # fmt: skip
        if common.json:
            print_json(found)
            return 0
        table(
            "Rules",
            ["rule", "severity", "what", "do"],
            [[rule.id, rule.severity, rule.what, rule.do] for rule in RULES.values()],
        )
        if told:
            rows = [[timestamp(n.at), n.rule, n.subject, n.text] for n in told]
            table("Told, and still so", ["at", "rule", "subject", "text"], rows)
        say(
            f"{found['addresses']} addresses are told."
            if found["addresses"]
            else "Nobody is told: alerts.notify is empty. See docs/how-to/alerts.md"
        )
        return 0

    return with_client(common, work)


async def _test(client: Enrico, common: Common) -> int:
    settings = client.settings
    if not settings.alerts.notify:
        usage("There is nobody to tell: alerts.notify is empty. See docs/how-to/alerts.md")
    notifier = Notifier(settings.alerts.notify, settings.alerts.timeout_seconds)
    told = await notifier.send(sample_message(settings))
    if common.json:
        print_json(told)
    else:
        for name, ok in told.items():
            print(f"address {name}: {'sent' if ok else 'FAILED'}")
    return 0 if all(told.values()) else 1
