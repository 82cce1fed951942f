"""Settings: flags over environment over ``enrico.toml`` over the defaults here.

Every setting is one line of data with its help text; ``docs/reference/settings.md`` is generated
from this file. Prices carry the day they were read on, because they move.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from enrico.engine.windows import parse_windows
from enrico.errors import ConfigError
from enrico.secret_files import read_secret

ProfileName = Literal["classic", "modern", "free", "instant", "storm"]
Speed = Literal["fast", "balanced", "cheap"]
UnknownPolicy = Literal["reconcile", "hold", "retry"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _joined(value: Any) -> Any:
    """A list of windows, in TOML or as JSON in the environment, reads like the text with commas."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(json.JSONDecodeError):
            value = json.loads(value)
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _understood(value: str) -> str:
    try:
        parse_windows(value.split(","))
    except ConfigError as error:
        raise ValueError(str(error)) from None
    return value


Limits = Annotated[str, BeforeValidator(_joined), AfterValidator(_understood)]


class ApolloSettings(_Section):
    """People: Apollo's bulk match."""

    base_url: str = Field("https://api.apollo.io/api/v1", description="Prefix before the path.")
    limits: Limits = Field(
        "",
        description="Windows such as '1000/min, 5/s'; 'none' for no limit. Empty: begin at "
        "5/s, then follow Apollo.",
    )
    concurrency: int = Field(24, ge=1, description="Bulk calls in flight at once.")
    batch_size: int = Field(
        10, ge=1, le=10, description="People in one bulk call; Apollo takes 10."
    )
    timeout_seconds: float = Field(30.0, gt=0, description="Total time for one call.")
    credit_usd: Decimal = Field(
        Decimal("0.025"), ge=0, description="Price of one credit (fair-use figure, August 2026)."
    )
    credits_per_person: Decimal = Field(
        Decimal(1), ge=0, description="Credits reserved for each person asked for."
    )
    settle_seconds: float = Field(
        2.0,
        ge=0,
        description="How long Apollo's counters are given to show a late charge; at least until "
        "4 s after the call was sent, but for 0.",
    )
    late_charge_seconds: float = Field(
        120.0,
        ge=0,
        description="So long after its send a call for whose answer nobody waited may be charged: "
        "until then it is sent again only if it never arrived.",
    )
    unknown_outcome: UnknownPolicy = Field(
        "reconcile",
        description="What to do with a call that may have been charged: ask Apollo's own counters, "
        "hold it for you, or send it again.",
    )


class SerperSettings(_Section):
    """Account search: Serper."""

    base_url: str = Field("https://google.serper.dev", description="Prefix before the path.")
    limits: Limits = Field(
        "",
        description="Windows such as '50/s'; 'none' for no limit. Empty: 5/s, then what Serper's "
        "account page says.",
    )
    concurrency: int = Field(128, ge=1, description="Searches in flight at once.")
    timeout_seconds: float = Field(15.0, gt=0, description="Total time for one call.")
    credit_usd: Decimal = Field(
        Decimal("0.001"), ge=0, description="Price of one credit (Starter package, August 2026)."
    )
    kind: Literal["search", "news"] = Field("search", description="Which of Serper's pages to ask.")
    query: str = Field(
        '"{name}" (funding OR acquisition OR partnership OR launch OR hiring OR layoffs OR CEO)',
        description="What is searched for; {name} and {domain} are filled in.",
    )
    past: str = Field("qdr:y", description="Google's time filter (tbs); empty for all time.")
    country: str = Field("us", description="Google's gl.")
    language: str = Field("en", description="Google's hl.")


_AT_FLASH_PRICES = ("deepseek-flash", "deepseek-v4-flash", "deepseek-v4-flash-vision-exp")
_PRICES = {
    "deepseek-v4-pro": {
        "input_usd": Decimal("0.66"),
        "cached_usd": Decimal("0.022"),
        "output_usd": Decimal("1.98"),
    }
}
"""DeepSeek's other model, per million tokens off-peak (price page, November 2026)."""


class LlmSettings(_Section):
    """Classification: DeepSeek, or any OpenAI-compatible endpoint."""

    base_url: str = Field(
        "https://api.deepseek.com", description="Prefix before /chat/completions."
    )
    model: str = Field("deepseek-flash", description="Model name sent with each call.")
    concurrency: int = Field(64, ge=1, description="Classifications in flight at once.")
    speed: Speed = Field(
        "balanced",
        description="What time is worth: 'fast' divides an account over several calls when that "
        "saves time, 'balanced' when it saves much, 'cheap' waits to fill large calls.",
    )
    batch_accounts: int | None = Field(
        None, ge=1, le=20, description="Most accounts in one call; overrides what the speed means."
    )
    batch_wait_seconds: float | None = Field(
        None,
        ge=0,
        le=60,
        description="How long a call waits for more accounts; overrides what the speed means.",
    )
    timeout_seconds: float = Field(120.0, gt=0, description="Total time for one call.")
    max_tokens_per_account: int = Field(700, ge=50, description="Room for the answer, per account.")
    thinking: Literal["disabled", "omit"] = Field(
        "disabled", description="'omit' for endpoints that do not know DeepSeek's thinking switch."
    )
    input_usd: Decimal = Field(
        Decimal("0.15"),
        ge=0,
        description="Per million input tokens, off-peak. The three prices are deepseek-flash's; "
        "deepseek-v4-pro's are known too. Set them for any other model.",
    )
    cached_usd: Decimal = Field(
        Decimal("0.003"), ge=0, description="Per million cached input tokens."
    )
    output_usd: Decimal = Field(
        Decimal("0.60"), ge=0, description="Per million output tokens, off-peak."
    )
    peak_factor: Decimal = Field(
        Decimal(2),
        ge=0,
        description="Times the price Mon-Fri 01-04 and 06-10 UTC; 1 for flat prices.",
    )

    @property
    def served_as(self) -> str:
        """The name under which the model is listed: two older ones are still accepted."""
        return _AT_FLASH_PRICES[0] if self.model in _AT_FLASH_PRICES else self.model

    @property
    def has_unknown_prices(self) -> bool:
        """Whether nobody said what this model costs, so that flash's prices stand for it."""
        is_known = self.model in _PRICES or self.model in _AT_FLASH_PRICES
        return not (is_known or self.model_fields_set & {"input_usd", "output_usd"})


class CacheSettings(_Section):
    """How long an answer counts as fresh, in days."""

    people_days: float = Field(90, ge=0, description="A person who was found.")
    missing_people_days: float = Field(14, ge=0, description="A person the provider does not know.")
    signals_days: float = Field(30, ge=0, description="A search with results.")
    empty_search_days: float = Field(3, ge=0, description="A search without any result.")


class AlertSettings(_Section):
    """When a run's summary raises an alert."""

    slow_seconds_per_50_deals: float = Field(60, gt=0, description="Slow: over this for 50 deals.")
    failing_pct: float = Field(10, ge=0, description="Failing: over this share of failed calls.")
    cold_cache_pct: float = Field(
        30, ge=0, description="Cold cache: under this share cached, where a run came before."
    )
    burn_rate_factor: float = Field(
        3, gt=0, description="Burn rate: so many times the last runs' median spend a minute."
    )
    budget_pct: tuple[int, ...] = Field(
        (50, 80, 100), description="Budget: told at these shares of the run's cap."
    )
    notify: tuple[SecretStr, ...] = Field(
        (), description="Apprise addresses to tell, such as a Slack or mail URL. Never logged."
    )
    quiet_hours: float = Field(
        24, ge=0, description="How long the same alert is not told again while it holds."
    )
    timeout_seconds: float = Field(5, gt=0, description="Longest wait for one address.")


class TelemetrySettings(_Section):
    """Metrics and traces. All of it is off until one way out is set."""

    otlp_endpoint: SecretStr = Field(
        SecretStr(""),
        description="Base address of an OTLP/HTTP collector, e.g. http://127.0.0.1:4318. Empty: "
        "what the standard OTEL_EXPORTER_OTLP_* variables say.",
    )
    traces: bool = Field(True, description="Send traces to it, beside metrics.")
    trace_calls: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Share of calls that get a span; calls that went wrong always do.",
    )
    prometheus_port: int | None = Field(
        None, ge=0, le=65535, description="Serve metrics for Prometheus here during the run."
    )
    prometheus_host: str = Field("127.0.0.1", description="Address to serve them on.")
    textfile: Path | None = Field(
        None,
        description="Write metrics to this .prom file after each run, for node_exporter's "
        "textfile collector.",
    )
    flush_seconds: float = Field(
        3.0, ge=0, description="Longest wait at the end for what is still to be sent."
    )


class RetentionSettings(_Section):
    """How long what names people is kept, in days; 0 keeps it until somebody is forgotten.

    What a call cost and when it was made always stays.
    """

    people_answers_days: float = Field(
        90, ge=0, description="Raw answers and requests of people providers; the facts stay."
    )
    other_answers_days: float = Field(
        365, ge=0, description="Raw answers of searches and of the model, where they were read."
    )
    people_days: float = Field(
        365,
        ge=0,
        description="Facts on a person who is on no deal, after they were last asked for.",
    )
    runs_days: float = Field(
        730,
        ge=0,
        description="Reports of runs, what happened in them and their parts, and rows that no "
        "load could use.",
    )
    exports_days: float = Field(
        0, ge=0, description="Files that we wrote and nobody has changed: deleted when older."
    )


class Settings(BaseSettings):
    """All settings of one process; immutable."""

    model_config = SettingsConfigDict(
        env_prefix="ENRICO_",
        env_nested_delimiter="__",
        toml_file="enrico.toml",
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        nested_model_default_partial_update=True,
    )

    database_url: str = Field(
        "sqlite:///enrico.db",
        description="Where everything is kept: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/DATABASE`.",
    )
    apollo_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="APOLLO_API_KEY", description="Apollo's key."
    )
    serper_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="SERPER_API_KEY", description="Serper's key."
    )
    deepseek_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="DEEPSEEK_API_KEY", description="The LLM endpoint's key."
    )
    apollo_api_key_file: Path | None = Field(
        None,
        validation_alias="APOLLO_API_KEY_FILE",
        description="A file with Apollo's key, which nobody else may read (mode 600).",
    )
    serper_api_key_file: Path | None = Field(
        None,
        validation_alias="SERPER_API_KEY_FILE",
        description="A file with Serper's key, which nobody else may read (mode 600).",
    )
    deepseek_api_key_file: Path | None = Field(
        None,
        validation_alias="DEEPSEEK_API_KEY_FILE",
        description="A file with the LLM endpoint's key, which nobody else may read (mode 600).",
    )
    master_key: SecretStr = Field(
        SecretStr(""),
        description="Opens the keys that are kept in the database: 32 bytes in base64 or hex.",
    )
    master_key_file: Path | None = Field(None, description="A file with it (mode 600).")
    old_master_key: SecretStr = Field(
        SecretStr(""), description="The former one, until `enrico keys rotate` has been run."
    )
    old_master_key_file: Path | None = Field(None, description="A file with it (mode 600).")
    apollo_base_url: str = Field(
        "",
        validation_alias=AliasChoices("APOLLO_BASE_URL"),
        description="Overrides apollo.base_url.",
    )
    serper_base_url: str = Field(
        "",
        validation_alias=AliasChoices("SERPER_BASE_URL"),
        description="Overrides serper.base_url.",
    )
    deepseek_base_url: str = Field(
        "",
        validation_alias=AliasChoices("DEEPSEEK_BASE_URL"),
        description="Overrides llm.base_url.",
    )
    deepseek_model: str = Field(
        "", validation_alias=AliasChoices("DEEPSEEK_MODEL"), description="Overrides llm.model."
    )
    apollo: ApolloSettings = Field(default_factory=ApolloSettings)  # type: ignore[arg-type]
    serper: SerperSettings = Field(default_factory=SerperSettings)  # type: ignore[arg-type]
    llm: LlmSettings = Field(default_factory=LlmSettings)  # type: ignore[arg-type]
    cache: CacheSettings = Field(default_factory=CacheSettings)  # type: ignore[arg-type]
    alerts: AlertSettings = Field(default_factory=AlertSettings)  # type: ignore[arg-type]
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)  # type: ignore[arg-type]
    retention: RetentionSettings = Field(default_factory=RetentionSettings)  # type: ignore[arg-type]
    workspace: str = Field(
        "", description="Label on metrics, traces and alerts. Empty: the database's name."
    )
    attempts: int = Field(4, ge=1, description="Times a cheap call is tried before it is failed.")
    max_wait_seconds: float = Field(
        300, ge=0, description="Longest wait for a provider that answers nothing but 429."
    )
    fast_lane_deals: int = Field(
        20,
        ge=0,
        description="A run of at most so many deals is taken in by one that is under way in "
        "another process, ahead of its batch; a larger one waits for its end.",
    )
    role_threshold: float = Field(
        0.30, ge=0, le=1, description="Roles less sure than this are left open."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="Structured log lines on stderr from this level up."
    )
    log_file: Path | None = Field(None, description="Write the log there instead of stderr.")

    @property
    def workspace_name(self) -> str:
        """What metrics, traces and alerts are labelled with; never more of a URL than its end."""
        return self.workspace or PurePosixPath(urlsplit(self.database_url).path).stem or "enrico"

    def key(self, provider: str) -> str:
        """The key of ``serper``, ``deepseek`` or ``apollo``, as it goes into a header."""
        secret: SecretStr = getattr(self, f"{provider}_api_key")
        return secret.get_secret_value().strip()

    def source_of(self, provider: str) -> str:
        """Where a key comes from that the database does not keep: ``APOLLO_API_KEY_FILE``."""
        name = _SECRETS[f"{provider}_api_key"]
        path: Path | None = getattr(self, f"{provider}_api_key_file")
        from_file = path is not None and self.key(provider) == read_secret(path, f"{name}_FILE")
        return f"{name}_FILE" if from_file else name

    def secrets(self) -> list[str]:
        """Everything that must not appear in a log line."""
        kept = (
            self.apollo_api_key, self.serper_api_key, self.deepseek_api_key,
            self.master_key, self.old_master_key, self.telemetry.otlp_endpoint, *self.alerts.notify,
        )  # fmt: skip
        return [secret.get_secret_value() for secret in kept if secret.get_secret_value()]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


# What each named profile allows (design section 6). A profile stands for limits that the user
# knows to be true, so a provider's answer may tighten them but never loosen them.
PROFILES: Mapping[ProfileName, Mapping[str, Mapping[str, Any]]] = {
    "classic": {"apollo": {"limits": "5/s"}, "serper": {"limits": "5/s"}},
    "modern": {
        "apollo": {"limits": "1000/min"},
        "serper": {"limits": "50/s"},
        "llm": {"concurrency": 200},
    },
    "free": {
        "apollo": {"limits": "20/min, 100/h, 600/day", "concurrency": 1},
        "serper": {"limits": "5/s"},
    },
    "instant": {"apollo": {"limits": "none"}, "serper": {"limits": "none"}},
    "storm": {
        "apollo": {"limits": "1000/min"},
        "serper": {"limits": "50/s"},
        "llm": {"concurrency": 200},
    },
}

_SHORTCUTS = {
    "apollo_base_url": ("apollo", "base_url"),
    "serper_base_url": ("serper", "base_url"),
    "deepseek_base_url": ("llm", "base_url"),
    "deepseek_model": ("llm", "model"),
}


def load_settings(profile: str | None = None, **overrides: Any) -> Settings:
    """Settings of this process, with *profile*'s limits and *overrides* (flags) on top.

    Raises ConfigError that names the setting, what was given and what would be right.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise ConfigError(_what_is_wrong(error)) from None
    except SettingsError as error:
        raise ConfigError(
            f"The environment holds a setting that cannot be read: {error}. Look it up in "
            "docs/reference/settings.md, or unset it."
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"enrico.toml cannot be read: {error}. Mend or remove it.") from None
    settings = settings.model_copy(update=_from_files(settings))
    changes: dict[str, dict[str, Any]] = {}
    for name, (section, field) in _SHORTCUTS.items():
        if value := getattr(settings, name):
            changes.setdefault(section, {})[field] = value
    if profile:
        if profile not in PROFILES:
            raise ConfigError(
                f"No profile is called {profile!r}. Choose one of {', '.join(PROFILES)}."
            )
        for section, fields in PROFILES[profile].items():  # type: ignore[index]
            changes.setdefault(section, {}).update(fields)
    update = {
        section: getattr(settings, section).model_copy(update=fields)
        for section, fields in changes.items()
    }
    llm: LlmSettings = update.get("llm", settings.llm)
    prices = _PRICES.get(llm.model, {})
    unset = {name: price for name, price in prices.items() if name not in llm.model_fields_set}
    return settings.model_copy(update={**update, "llm": llm.model_copy(update=unset)})


_SECRETS = {
    "apollo_api_key": "APOLLO_API_KEY",
    "serper_api_key": "SERPER_API_KEY",
    "deepseek_api_key": "DEEPSEEK_API_KEY",
    "master_key": "ENRICO_MASTER_KEY",
    "old_master_key": "ENRICO_OLD_MASTER_KEY",
}


def _from_files(settings: Settings) -> dict[str, SecretStr]:
    """Secrets that a file holds, where the environment does not say them itself."""
    found = {}
    for name, env in _SECRETS.items():
        path: Path | None = getattr(settings, f"{name}_file")
        if path is not None and not getattr(settings, name).get_secret_value():
            found[name] = SecretStr(read_secret(path, f"{env}_FILE"))
    return found


def _what_is_wrong(error: ValidationError) -> str:
    """The first wrong setting by name, what is wrong with it, and what may have been meant."""
    first = error.errors(include_url=False)[0]
    *sections, last = (str(part) for part in first["loc"])
    name = ".".join([*sections, last])
    if first["type"] != "extra_forbidden":
        told = first["msg"].removeprefix("Value error, ").removesuffix(".")
        return (
            f"The setting {name} cannot be used: {told}. Look it up in "
            "docs/reference/settings.md, or leave it out to get the default."
        )
    section = Settings.model_fields[sections[0]].annotation if sections else Settings
    known = list(getattr(section, "model_fields", {}))
    meant = get_close_matches(last, known, n=1)
    hint = f"Did you mean {'.'.join([*sections, meant[0]])}? " if meant else ""
    return f"There is no setting {name}. {hint}All are listed in docs/reference/settings.md."


def is_peak(when: datetime) -> bool:
    """Whether DeepSeek's peak price holds at *when* (aware).

    Monday to Friday 09-12 and 14-18 Beijing time (pricing page, November 2026). Chinese public
    holidays are off-peak there; we count them as peak, which errs on the dear side.
    """
    from datetime import UTC

    utc = when.astimezone(UTC)
    return utc.weekday() < 5 and (1 <= utc.hour < 4 or 6 <= utc.hour < 10)
