"""DeepSeek's chat completions, models and balance; the thinking is done by ``reader``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson

from enrico.sandbox.config import Clock, SandboxConfig
from enrico.sandbox.draw import hex_id
from enrico.sandbox.faults import Fault
from enrico.sandbox.llmfaults import spoil_accounts, spoil_text
from enrico.sandbox.meter import Account
from enrico.sandbox.profiles import Profile
from enrico.sandbox.reader import classify_account
from enrico.sandbox.wire import Call, Charge, Reply, json_reply, parse

CHAT = "chat/completions"
MODELS = ("deepseek-flash", "deepseek-v4-pro")
_SERVED_BY = {
    "deepseek-v4-flash": "deepseek-flash",
    "deepseek-v4-flash-vision-exp": "deepseek-flash",
}
# USD per million tokens off-peak (peak is twice that): input hit, input miss, output.
# api-docs.deepseek.com/quick_start/pricing, as of November 2026.
_PRICES = {"deepseek-flash": (0.003, 0.15, 0.60), "deepseek-v4-pro": (0.022, 0.66, 1.98)}
_CACHE_UNIT = 128
_PREFIXES = 10_000
_NEEDS_JSON = (
    "Prompt must contain the word 'json' in some form to use 'response_format' of type "
    "'json_object'."
)


class DeepSeek:
    """One DeepSeek account."""

    faulty = frozenset({CHAT})

    def __init__(
        self,
        config: SandboxConfig,
        profile: Profile,
        account: Callable[[], Account],
        clock: Clock,
        time: Callable[[], float],
        delay: Callable[[tuple[float, float]], float],
    ) -> None:
        self._config = config
        self._profile = profile
        self._account = account
        self._clock = clock
        self._delay = delay
        self.reset()

    def reset(self) -> None:
        self._prefixes: dict[bytes, int] = {}
        self._number = 0

    def refuse(self, call: Call) -> Reply | None:
        key = call.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if self._config.accepts("deepseek", key):
            return None
        text = f"Authentication Fails, Your api key: ****{key[-4:]} is invalid"
        return self._error(401, text, "authentication_error")

    def throttle(self, call: Call, at_once: int) -> Reply | None:
        most = self._profile.llm_concurrency
        if call.endpoint not in self.faulty or most is None or at_once <= most:
            return None
        return self.error(429, call, None)

    def answer(self, call: Call, fault: Fault | None) -> Reply:
        endpoint = call.endpoint.removeprefix("v1/")
        if endpoint == "models" and call.method == "GET":
            models = [{"id": name, "object": "model", "owned_by": "deepseek"} for name in MODELS]
            return json_reply(200, {"object": "list", "data": models})
        if endpoint == "user/balance" and call.method == "GET":
            return json_reply(200, self._balance())
        if endpoint != CHAT or call.method != "POST":
            return self._error(404, f"Not found: {call.method} /{call.endpoint}")
        forced = fault is not None and fault.kind == "out_of_credits"
        if forced or self._account().balance <= 0:
            return self._error(402, "Insufficient Balance", "unknown_error")
        body = parse(call.body)
        if not isinstance(body, dict):
            return self._error(400, "Failed to parse the request body as JSON")
        return self._wrong(body) or self._complete(body, fault)

    def error(self, status: int, call: Call, fault: Fault | None) -> Reply:
        texts = {
            429: "Rate limit reached: too many concurrent requests",
            402: "Insufficient Balance",
        }
        reply = self._error(status, texts.get(status, "Server overloaded, please retry"))
        if fault and fault.retry_after is not None and fault.kind != "429_no_header":
            reply.headers["retry-after"] = f"{fault.retry_after:g}"
        return reply

    def _wrong(self, body: dict[str, Any]) -> Reply | None:
        """The refusal of a request that DeepSeek would not take, if this is one."""
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            return self._error(422, "Failed to deserialize: missing field `messages`")
        if not isinstance(body.get("model"), str):
            return self._error(422, "Failed to deserialize: missing field `model`")
        form = _format(body)
        if form == "json_schema" and not self._config.json_schema:
            return self._error(400, "This response_format type is unavailable now")
        if form == "json_object" and not self._config.json_object:
            return self._error(400, "'response_format.type' must be 'json_schema' or 'text'")
        if form == "json_object" and "json" not in _all_text(messages).lower():
            return self._error(400, _NEEDS_JSON)
        if _thinks(body, self._config.thinking) and isinstance(body.get("tool_choice"), dict):
            return self._error(400, "Thinking mode does not support this tool_choice")
        return None

    def _complete(self, body: dict[str, Any], fault: Fault | None) -> Reply:
        kind = fault.kind if fault else ""
        self._number += 1
        messages = body["messages"]
        document = _document(_text(messages[-1]))
        accounts = document.get("accounts") if document else None
        items = 0
        names: tuple[str, ...] = ()
        if isinstance(accounts, list):
            known = [account for account in accounts if isinstance(account, dict)]
            items = len(known)
            names = tuple(str(account.get("name", "")) for account in known)
            answers = spoil_accounts(kind, [classify_account(account) for account in known])
            content = orjson.dumps({"accounts": answers}).decode()
        elif _format(body) in ("json_object", "json_schema"):
            content = '{"answer":"ok"}'
        else:
            content = "ok"
        content, finish = spoil_text(kind, content)
        thinks = _thinks(body, self._config.thinking)
        thoughts = _think(items) if thinks else None
        reasoning = _tokens(thoughts or "")
        written = max(1, _tokens(content)) + reasoning
        most = body.get("max_tokens") or body.get("max_completion_tokens")
        if isinstance(most, int) and 0 < most < written:
            content = content[: max(0, most - reasoning) * 4]
            written, finish = most, "length"
        hit, prompt = self._prompt_tokens(messages, body.get("user_id"))
        usage = _usage(prompt, hit, written, reasoning)
        speed = self._profile.llm_tokens_per_second
        seconds = self._delay(self._profile.llm_seconds) + (written / speed if speed else 0.0)
        message = {"role": "assistant", "content": content}
        if thoughts is not None:
            message["reasoning_content"] = thoughts
        answer = {
            "id": hex_id(self._config.seed, "completion", str(self._number)),
            "object": "chat.completion",
            "created": int(self._clock.now().timestamp()),
            "model": _SERVED_BY.get(body["model"], body["model"]),
            "system_fingerprint": "fp_sandbox",
            "choices": [
                {"index": 0, "logprobs": None, "finish_reason": finish, "message": message}
            ],
            "usage": usage,
        }
        tokens = {"prompt": prompt, "cached": hit, "completion": written, "reasoning": reasoning}
        waits_long = seconds > self._config.blank_lines_after_seconds
        return Reply(
            200,
            orjson.dumps(answer),
            seconds=seconds,
            items=items,
            about=names,
            charge=Charge(self._cost(body["model"], hit, prompt, written), tokens=tokens),
            blank_lines=self._config.blank_lines or waits_long or kind == "blank_lines",
            chunks=_chunks(answer) if body.get("stream") is True else None,
        )

    def _prompt_tokens(self, messages: list[Any], user: object) -> tuple[int, int]:
        """(tokens from the cache, all tokens) of a prompt.

        What comes before the last message is shared by calls. As documented, it is noticed with
        the second and hit from the third on, in whole units.
        """
        prefix = _all_text(messages[:-1])
        total = max(1, _tokens(prefix) + _tokens(_text(messages[-1])))
        key = blake2b(f"{user}\x1f{prefix}".encode("utf-8", "replace"), digest_size=16).digest()
        seen = self._prefixes.get(key, 0)
        if len(self._prefixes) >= _PREFIXES and not seen:
            self._prefixes.pop(next(iter(self._prefixes)))
        self._prefixes[key] = seen + 1
        hit = _tokens(prefix) // _CACHE_UNIT * _CACHE_UNIT if seen >= 2 else 0
        return hit, total

    def _cost(self, model: str, hit: int, prompt: int, written: int) -> float:
        prices = _PRICES.get(_SERVED_BY.get(model, model), _PRICES["deepseek-flash"])
        dollars = (hit * prices[0] + (prompt - hit) * prices[1] + written * prices[2]) / 1e6
        return dollars * (2 if is_peak(self._clock.now()) else 1)

    def _balance(self) -> dict[str, Any]:
        left = self._account().balance
        amount = f"{left:.2f}"
        info = {"currency": "USD", "total_balance": amount, "granted_balance": "0.00"}
        return {
            "is_available": left > 0,
            "balance_infos": [{**info, "topped_up_balance": amount}],
        }

    def _error(self, status: int, text: str, sort: str = "invalid_request_error") -> Reply:
        error = {"message": text, "type": sort, "param": None, "code": "invalid_request_error"}
        reply = json_reply(status, {"error": error})
        if self._config.octet_stream_errors:
            reply.content_type = "application/octet-stream"
        return reply


def is_peak(now: datetime) -> bool:
    """Whether tokens cost double at this (UTC) time; Chinese holidays are not looked up."""
    return now.weekday() < 5 and (1 <= now.hour < 4 or 6 <= now.hour < 10)


def _thinks(body: dict[str, Any], usual: bool) -> bool:
    thinking = body.get("thinking")
    sort = thinking.get("type") if isinstance(thinking, dict) else None
    return usual if sort is None else sort == "enabled"


def _think(items: int) -> str:
    """Thoughts that are as long as such thoughts are: some 60 tokens, and 80 for each account."""
    step = "I look at the next account, read its results one by one and decide on a type for each. "
    return "We are asked to answer in a fixed form. " * 6 + step * 4 * items


def _format(body: dict[str, Any]) -> str | None:
    form = body.get("response_format")
    return form.get("type") if isinstance(form, dict) else None


def _text(message: object) -> str:
    """The text of a message, whether its content is a string or a list of parts."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _all_text(messages: list[Any]) -> str:
    return "\n".join(_text(message) for message in messages)


def _document(text: str) -> dict[str, Any] | None:
    """The JSON document that ends a message, or None."""
    for start in (text.find("{"), text.find('{"accounts"')):
        value = parse(text[start:].encode("utf-8", "replace")) if start >= 0 else None
        if isinstance(value, dict):
            return value
    return None


def _tokens(text: str) -> int:
    """About four letters a token, as vendors' rules of thumb have it."""
    return (len(text) + 3) // 4


def _usage(prompt: int, hit: int, written: int, reasoning: int) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": prompt + written,
        "prompt_tokens_details": {"cached_tokens": hit},
        "prompt_cache_hit_tokens": hit,
        "prompt_cache_miss_tokens": prompt - hit,
    }
    if reasoning:
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return usage


def _chunks(answer: dict[str, Any]) -> list[bytes]:
    """The answer as server-sent events."""
    choice = answer["choices"][0]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    thoughts = choice["message"].get("reasoning_content")
    if thoughts is not None:
        deltas.append({"reasoning_content": thoughts, "content": None})
    text = choice["message"]["content"]
    deltas += [{"content": text[at : at + 80]} for at in range(0, len(text), 80)]
    base = {name: answer[name] for name in ("id", "created", "model", "system_fingerprint")}
    base["object"] = "chat.completion.chunk"
    events = [
        {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]
    last = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
    events.append({**base, "choices": [last], "usage": answer["usage"]})
    return [b": keep-alive\n\n", *(b"data: " + orjson.dumps(e) + b"\n\n" for e in events)]
