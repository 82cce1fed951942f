"""The database's tables. One database is one workspace: its cache serves nobody else.

Times are ISO 8601 text in UTC, so that the file can be read with any SQL tool. Credits are
millionths, dollars billionths, both integers. JSON columns hold text.
"""

from __future__ import annotations

import sqlalchemy
from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import TEXT, VARCHAR

from enrico.store import doubts

metadata = MetaData()

# Text is ordered by code point in both databases, so that results come in one and the same order.
# Nano-dollars do not fit into 32 bits.
String = sqlalchemy.String().with_variant(VARCHAR(collation="C"), "postgresql")
Text = sqlalchemy.Text().with_variant(TEXT(collation="C"), "postgresql")
Integer = sqlalchemy.Integer().with_variant(BigInteger(), "postgresql")

accounts = Table(
    "accounts",
    metadata,
    Column("id", String, primary_key=True),
    Column("key", String, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("domain", String, nullable=False),
    Column("industry", Text, nullable=False),
    Column("country", Text, nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", String, primary_key=True),
    Column("account_id", String, nullable=False),
    Column("person_key", String, nullable=False, index=True),
    Column("unusable", String, nullable=False),  # why no person can be bought for it
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("linkedin_url", Text, nullable=False),
    Column("role_label", Text, nullable=False),
)

deals = Table(
    "deals",
    metadata,
    Column("id", String, primary_key=True),
    Column("account_id", String, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("outcome", String, nullable=False),
    Column("amount", String, nullable=False),
    Column("currency", String, nullable=False),
    Column("close_date", String, nullable=False),
    Column("created_date", String, nullable=False),
    Column("owner", Text, nullable=False),
    Column("role_fields", Text, nullable=False),
)

deal_contacts = Table(
    "deal_contacts",
    metadata,
    Column("deal_id", String, ForeignKey("deals.id", ondelete="CASCADE"), primary_key=True),
    Column("contact_id", String, primary_key=True, index=True),
    Column("role_label", Text, nullable=False),
    Column("is_primary", Integer, nullable=False),
    Column("role", String, nullable=False, default=""),
    Column("role_source", String, nullable=False, default=""),
    Column("role_confidence", Float, nullable=False, default=0.0),
    Column("role_reason", Text, nullable=False, default=""),
    Column("runner_up", String, nullable=False, default=""),
    Column("runner_up_source", String, nullable=False, default=""),
    Column("runner_up_confidence", Float, nullable=False, default=0.0),
    sqlite_with_rowid=False,
)

loads = Table(
    "loads",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", String, nullable=False),
    Column("report", Text, nullable=False),
)

# A deal may come with several loads; what one load brought stays its scope.
load_deals = Table(
    "load_deals",
    metadata,
    Column("load_id", String, primary_key=True),
    Column("deal_id", String, primary_key=True),
    sqlite_with_rowid=False,
)

people = Table(
    "people",
    metadata,
    Column("key", String, primary_key=True),
    Column("state", String, nullable=False),  # found, not_found, failed, held, given_up
    Column("reason", Text, nullable=False),
    Column("fetched_at", String, nullable=False),  # when these values came
    Column("checked_at", String, nullable=False),  # when the provider was last asked
    Column("call_id", String, nullable=False, index=True),
    Column("provider", String, nullable=False),
    Column("provider_id", String, nullable=False),
    Column("credits", Integer, nullable=False),
    Column("usd", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("seniority", String, nullable=False),
    Column("departments", Text, nullable=False),
    Column("functions", Text, nullable=False),
    Column("employer", Text, nullable=False),
    Column("employer_domain", String, nullable=False),
    Column("employer_since", String, nullable=False),
    Column("email", Text, nullable=False),
    Column("email_status", String, nullable=False),
    Column("linkedin_url", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("country", Text, nullable=False),
    sqlite_with_rowid=False,
)

searches = Table(
    "searches",
    metadata,
    Column("key", String, primary_key=True),  # accounts.key
    Column("state", String, nullable=False),  # found, empty, failed
    Column("reason", Text, nullable=False),
    Column("fetched_at", String, nullable=False),
    Column("call_id", String, nullable=False),
    Column("results", Integer, nullable=False),
    Column("credits", Integer, nullable=False),
    Column("usd", Integer, nullable=False),
)

classifications = Table(
    "classifications",
    metadata,
    Column("key", String, primary_key=True),  # accounts.key
    Column("state", String, nullable=False),  # done, failed
    Column("reason", Text, nullable=False),
    Column("search_call_id", String, nullable=False),
    Column("call_id", String, nullable=False),
    Column("at", String, nullable=False),
    Column("usd", Integer, nullable=False),
    Column("score", Float, nullable=False),
    Column("score_parts", Text, nullable=False),
    Column("signals", Integer, nullable=False),
    Column("top_signals", Text, nullable=False),
    Column("summary", Text, nullable=False),
)

signals = Table(
    "signals",
    metadata,
    Column("key", String, primary_key=True),  # accounts.key
    Column("n", Integer, primary_key=True),
    Column("type", String, nullable=False),
    Column("headline", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("host", String, nullable=False),
    Column("published", String, nullable=False),
    Column("date_precision", String, nullable=False),
    Column("relevance", Float, nullable=False),
    Column("snippet", Text, nullable=False),
    Column("result_index", Integer, nullable=False),
    Column("seen_on", Integer, nullable=False),
    Column("fetched_at", String, nullable=False),
    Column("search_call_id", String, nullable=False),
    Column("call_id", String, nullable=False),
)

# The call journal: every call that was meant to be paid for, before and after it was sent.
calls = Table(
    "calls",
    metadata,
    Column("id", String, primary_key=True),
    Column("run_id", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("endpoint", String, nullable=False),
    Column("state", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("rate_limited", Integer, nullable=False),
    Column("items", Text, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("reserved_credits", Integer, nullable=False),
    Column("reserved_usd", Integer, nullable=False),
    Column("credits", Integer, nullable=False),
    Column("usd", Integer, nullable=False),
    Column("sent_at", String, nullable=False),
    Column("ended_at", String, nullable=False),
    Column("duration_ms", Float, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("applied", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("waited_ms", Float, nullable=False, server_default="0"),  # for leave to be sent
    Column("waited_for", String, nullable=False, server_default=""),  # what it waited longest for
    Index("calls_by_state", "provider", "state", "applied"),
    Index("calls_by_run", "run_id"),
    Index("calls_by_sent", "provider", "sent_at"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("started_at", String, nullable=False),
    Column("ended_at", String, nullable=False),
    Column("status", String, nullable=False),
    Column("options", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("usage_before", Text, nullable=False),  # Apollo's own counters at the start
)

# What happened to a run beside its calls: walls of 429s, limits learnt.
run_events = Table(
    "run_events",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("at", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("kind", String, nullable=False),  # rate_limited, limit
    Column("seconds", Float, nullable=False),  # how long nothing is sent for it; 0 for a moment
    Column("detail", Text, nullable=False),
)

# Accounts (or, without one, deals) whose roles may have changed since they were last resolved.
unresolved = Table(
    "unresolved",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("deal_id", String, primary_key=True),  # empty: all deals of the account
    Column("taken", Integer, nullable=False),  # 1 from when somebody resolves it until it changes
    Column("taker", Integer, nullable=False, server_default=text("0")),  # who did so last
    sqlite_with_rowid=False,
)

# What roles were last resolved with: one row. Anything else puts all of them in doubt.
role_rules = Table(
    "role_rules",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", String, nullable=False),
    Column("threshold", Float, nullable=False),
)

# What in the CRM could not be used for roles, and how often, for each account or deal without one.
role_notes = Table(
    "role_notes",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("deal_id", String, primary_key=True),  # empty: all deals of the account
    Column("kind", String, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("value", Text, primary_key=True),  # left out where it may name a person
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# Small runs that other processes want while one of them has the database: it takes them in.
requests = Table(
    "requests",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", String, nullable=False),
    Column("options", Text, nullable=False),
    Column("settings", String, nullable=False),  # a digest: only equal settings are taken in
    Column("state", String, nullable=False),  # waiting, taken, done, failed
    Column("run_id", String, nullable=False),
)

# What somebody was told, so that they are told once.
notices = Table(
    "notices",
    metadata,
    Column("rule", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("at", String, nullable=False),
    Column("text", Text, nullable=False),
)

# What a run has to do, in order: written once by one query, then read page by page, so that
# neither memory nor an open cursor grows with the run.
work = Table(
    "work",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("kind", String, primary_key=True),  # search, classify, people
    Column("n", Integer, primary_key=True),
    Column("key", String, nullable=False),
)

load_problems = Table(
    "load_problems",
    metadata,
    Column("load_id", String, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("file", Text, nullable=False),
    Column("sheet", Text, nullable=False),
    Column("row", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("mend", Text, nullable=False),
)

# Who is to stay forgotten: keyed hashes, so that nobody is bought or imported again. Never a name.
suppressions = Table(
    "suppressions",
    metadata,
    Column("hash", String, primary_key=True),
    Column("kind", String, nullable=False),  # address, linkedin, contact, domain
    Column("subject", String, nullable=False),  # the hash of what was asked to be forgotten
    Column("at", String, nullable=False),
)

# Keys that we made ourselves, each wrapped with the master key, or in clear where there is none.
data_keys = Table(
    "data_keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("purpose", String, nullable=False),  # suppressions, provider_keys
    Column("wrapped", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("at", String, nullable=False),
)

# Providers' keys, encrypted with one of those.
provider_keys = Table(
    "provider_keys",
    metadata,
    Column("provider", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("data_key", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("last_four", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("at", String, nullable=False),
)

# Files that we wrote and that may name people, so that they can be written anew without somebody.
written_files = Table(
    "written_files",
    metadata,
    Column("path", Text, primary_key=True),
    Column("made", String, nullable=False, index=True),  # one for all files of one export
    Column("kind", String, nullable=False),  # export, report, answer
    Column("recipe", Text, nullable=False),  # how to write it again
    Column("stamp", String, nullable=False),  # size and time of change; empty: being written
    Column("at", String, nullable=False),
    Column("host", String, primary_key=True),  # the machine; empty: from before it was noted
)

# How far what has to be done now and then was done.
upkeep = Table(
    "upkeep",
    metadata,
    Column("name", String, primary_key=True),
    Column("at", String, nullable=False),
)

# A part of a run's work, done by one worker. Its calls carry its id in place of the run's.
chunks = Table(
    "chunks",
    metadata,
    Column("id", String, primary_key=True),  # the run's, a slash, and its own
    Column("run_id", String, nullable=False, index=True),
    Column("worker", String, nullable=False),
    Column("state", String, nullable=False),  # running, done, stopped, lost
    Column("kind", String, nullable=False),  # search, classify, people
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("started_at", String, nullable=False),
    Column("ended_at", String, nullable=False),
    Column("stats", Text, nullable=False),
)

# Who asks for what just now: two chunks never buy the same item.
claims = Table(
    "claims",
    metadata,
    Column("kind", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("chunk_id", String, nullable=False, index=True),
    Column("asked", Integer, nullable=False),  # 0 while one in the fast lane may take it over
)

# What a chunk may spend, or has spent, of its run's caps.
leases = Table(
    "leases",
    metadata,
    Column("chunk_id", String, primary_key=True),
    Column("run_id", String, nullable=False, index=True),
    Column("waiting", Integer, nullable=False),  # 1: for what others may give back
    Column("credits", Integer, nullable=False),
    Column("usd", Integer, nullable=False),
    Column("provider_credits", Text, nullable=False),
)

# Runs to be begun every so often by workers.
schedules = Table(
    "schedules",
    metadata,
    Column("id", String, primary_key=True),
    Column("every_seconds", Float, nullable=False),
    Column("options", Text, nullable=False),
    Column("next_at", String, nullable=False),
    Column("run_id", String, nullable=False),  # the last one begun
)

for _name in ("sqlite", "postgresql"):
    for _statement in doubts.triggers(_name):
        _ddl = DDL(_statement.replace("%", "%%")).execute_if(dialect=_name)  # type: ignore[no-untyped-call]
        event.listen(metadata, "after_create", _ddl)
