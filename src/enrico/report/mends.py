"""What to do about a call that brought nothing: the words of the errors and the how-to pages."""

from __future__ import annotations

import re

from enrico.store.journal import WITHOUT_PROOF

KEYS = {"serper": "SERPER_API_KEY", "deepseek": "DEEPSEEK_API_KEY", "apollo": "APOLLO_API_KEY"}
TITLES = {"serper": "Serper", "deepseek": "DeepSeek", "apollo": "Apollo"}
ADDRESSES = {
    "serper": "SERPER_BASE_URL",
    "deepseek": "DEEPSEEK_BASE_URL and DEEPSEEK_MODEL",
    "apollo": "APOLLO_BASE_URL",
}
SECTIONS = {"serper": "serper", "deepseek": "llm", "apollo": "apollo"}
MADE_AGAIN = "Nothing: it was made again by itself, and in the end an answer came."
_AGAIN = "Run the same command again: it asks only for what is missing."

# The first pattern that fits the reason decides.
_BY_REASON: tuple[tuple[str, str], ...] = (
    (
        WITHOUT_PROOF,
        "It may have been paid twice: look in {title}'s account. To have such calls held for you, "
        "set apollo.unknown_outcome to reconcile.",
    ),
    (
        r"sent again:",
        "Nothing: {title}'s own counters show that it was not charged, and it was asked again.",
    ),
    (
        r"refused the key|HTTP 401",
        "Replace the key in {key}, then check it with: enrico doctor",
    ),
    (
        r"may not use|HTTP 403",
        "Give the key in {key} that scope, or take a master key; check it with: enrico doctor",
    ),
    (
        r"balance is spent|credits are used up|HTTP 402",
        "Buy credits, then run the same command again; it goes on from there.",
    ),
    (
        r"does not know the path or the model|is not at this address|HTTP 404",
        "Check {address}.",
    ),
    (
        r"finish_reason is 'length'",
        "Raise llm.max_tokens_per_account, then run the same command again.",
    ),
    (
        r"finish_reason|content is|content has|did not cover|no choices",
        "Run the same command again; if it stays, try another model with DEEPSEEK_MODEL.",
    ),
    (
        r"429|rate limit is reached",
        "Nothing: it cost nothing, and the call was made again. If there are many, set "
        "{section}.limits to what your plan allows.",
    ),
    (
        r"could not be reached|no connection|not_sent",
        "Check the network and {section}.base_url, then run the same command again.",
    ),
    (r"no whole answer within", f"{_AGAIN} If it stays, raise {{section}}.timeout_seconds."),
    (r"the process ended", _AGAIN),
    (
        r"requests in a row",
        "Check {address} and the account, then run the same command again; it goes on from there.",
    ),
    (
        r"refused the request|HTTP 4\d\d",
        "{title} does not take this request; the others are not affected. Look at the record in "
        "the CRM.",
    ),
)


def mend_of(provider: str, state: str, status: int, reason: str) -> str:
    """What to do about calls of that state and reason; one or two sentences."""
    words = {
        "title": TITLES.get(provider, provider),
        "key": KEYS.get(provider, ""),
        "section": SECTIONS.get(provider, provider),
        "address": ADDRESSES.get(provider, "its base URL"),
    }
    if state == "held" or (state == "answered" and "; held: " in reason):
        return "Decide on each of them; list them with: enrico held"
    if state == "settled":
        return "Nothing: you decided on it."
    if state in ("sent", "unknown"):
        return f"{_AGAIN} It first finds out what the calls in flight cost."
    text = f"{reason} HTTP {status} {state}" if status else f"{reason} {state}"
    for pattern, mend in _BY_REASON:
        if re.search(pattern, text, re.IGNORECASE):
            return mend.format(**words)
    return _AGAIN
