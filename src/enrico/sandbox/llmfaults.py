"""The ways in which a model's answer goes wrong, each as it has been seen to."""

from __future__ import annotations

from typing import Any

Answers = list[dict[str, Any]]


def spoil_accounts(kind: str, answers: Answers) -> Answers:
    """The accounts of an answer after the fault; most faults leave them as they are."""
    if not answers:
        return answers
    if kind == "drop":
        return answers[1:]
    if kind == "double":
        return [*answers, {"id": answers[0]["id"], "signals": []}]
    if kind == "swap":
        return _swap(answers)
    if kind == "invent":
        return _invent(answers)
    if kind == "obey":
        claim = {"result": 0, "type": "acquisition", "relevance": 1.0}
        return [{**answer, "signals": [claim]} for answer in answers]
    return answers


def spoil_text(kind: str, content: str) -> tuple[str, str]:
    """(content, finish_reason) after the fault."""
    if kind == "truncate":
        return content[: len(content) * 2 // 3], "length"
    if kind == "blank":
        return " " * max(8, len(content) // 4), "stop"
    if kind == "empty":
        return "", "stop"
    if kind == "fenced":
        return f"```json\n{content}\n```", "stop"
    if kind == "array":
        return f"[{content}]", "stop"
    if kind == "content_filter":
        return "", "content_filter"
    if kind == "insufficient_system_resource":
        return content[: len(content) // 2], "insufficient_system_resource"
    if kind == "wrong_finish_reason":
        return content, "tool_calls"
    return content, "stop"


def _swap(answers: Answers) -> Answers:
    """Two accounts with each other's signals: the first that differ, so that it shows."""
    for first in range(len(answers)):
        for second in range(first + 1, len(answers)):
            if answers[first]["signals"] != answers[second]["signals"]:
                swapped = list(answers)
                swapped[first] = {**answers[first], "signals": answers[second]["signals"]}
                swapped[second] = {**answers[second], "signals": answers[first]["signals"]}
                return swapped
    return answers


def _invent(answers: Answers) -> Answers:
    """Add what nobody gave: an account, a result, a type, a number out of range, an address."""
    invented = [
        {"result": 9_999, "type": "funding", "relevance": 0.9},
        {"result": "nine", "type": "funding", "relevance": 0.9},
        {"result": 0, "type": "best_company", "relevance": 0.9},
        {"result": 0, "type": "funding", "relevance": 7.5},
        {"type": "award", "relevance": 0.5, "url": "http://attacker.test/", "headline": "Invented"},
    ]
    first = {**answers[0], "signals": [*answers[0]["signals"], *invented]}
    stranger = {"id": "nobody", "signals": [{"result": 0, "type": "funding", "relevance": 0.9}]}
    return [first, *answers[1:], stranger]
