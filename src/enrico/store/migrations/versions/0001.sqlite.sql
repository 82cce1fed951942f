-- Never change this: see ../frozen.py.

CREATE TABLE accounts (
    id VARCHAR NOT NULL,
    "key" VARCHAR NOT NULL,
    name TEXT NOT NULL,
    domain VARCHAR NOT NULL,
    industry TEXT NOT NULL,
    country TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE calls (
    id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    provider VARCHAR NOT NULL,
    endpoint VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    attempt INTEGER NOT NULL,
    rate_limited INTEGER NOT NULL,
    items TEXT NOT NULL,
    request BLOB NOT NULL,
    reserved_credits INTEGER NOT NULL,
    reserved_usd INTEGER NOT NULL,
    credits INTEGER NOT NULL,
    usd INTEGER NOT NULL,
    sent_at VARCHAR NOT NULL,
    ended_at VARCHAR NOT NULL,
    duration_ms FLOAT NOT NULL,
    status INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    applied INTEGER NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE classifications (
    "key" VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    reason TEXT NOT NULL,
    search_call_id VARCHAR NOT NULL,
    call_id VARCHAR NOT NULL,
    at VARCHAR NOT NULL,
    usd INTEGER NOT NULL,
    score FLOAT NOT NULL,
    score_parts TEXT NOT NULL,
    signals INTEGER NOT NULL,
    top_signals TEXT NOT NULL,
    summary TEXT NOT NULL,
    PRIMARY KEY ("key")
);

CREATE TABLE contacts (
    id VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    person_key VARCHAR NOT NULL,
    unusable VARCHAR NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT NOT NULL,
    title TEXT NOT NULL,
    department TEXT NOT NULL,
    phone TEXT NOT NULL,
    linkedin_url TEXT NOT NULL,
    role_label TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE deals (
    id VARCHAR NOT NULL,
    load_id VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    name TEXT NOT NULL,
    stage TEXT NOT NULL,
    outcome VARCHAR NOT NULL,
    amount VARCHAR NOT NULL,
    currency VARCHAR NOT NULL,
    close_date VARCHAR NOT NULL,
    created_date VARCHAR NOT NULL,
    owner TEXT NOT NULL,
    role_fields TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE load_problems (
    load_id VARCHAR NOT NULL,
    n INTEGER NOT NULL,
    file TEXT NOT NULL,
    sheet TEXT NOT NULL,
    "row" INTEGER NOT NULL,
    reason TEXT NOT NULL,
    mend TEXT NOT NULL,
    PRIMARY KEY (load_id, n)
);

CREATE TABLE loads (
    id VARCHAR NOT NULL,
    at VARCHAR NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE people (
    "key" VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    reason TEXT NOT NULL,
    fetched_at VARCHAR NOT NULL,
    checked_at VARCHAR NOT NULL,
    call_id VARCHAR NOT NULL,
    provider VARCHAR NOT NULL,
    provider_id VARCHAR NOT NULL,
    credits INTEGER NOT NULL,
    usd INTEGER NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    seniority VARCHAR NOT NULL,
    departments TEXT NOT NULL,
    functions TEXT NOT NULL,
    employer TEXT NOT NULL,
    employer_domain VARCHAR NOT NULL,
    employer_since VARCHAR NOT NULL,
    email TEXT NOT NULL,
    email_status VARCHAR NOT NULL,
    linkedin_url TEXT NOT NULL,
    city TEXT NOT NULL,
    country TEXT NOT NULL,
    PRIMARY KEY ("key")
) WITHOUT ROWID;

CREATE TABLE runs (
    id VARCHAR NOT NULL,
    started_at VARCHAR NOT NULL,
    ended_at VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    options TEXT NOT NULL,
    "plan" TEXT NOT NULL,
    summary TEXT NOT NULL,
    usage_before TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE searches (
    "key" VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    reason TEXT NOT NULL,
    fetched_at VARCHAR NOT NULL,
    call_id VARCHAR NOT NULL,
    results INTEGER NOT NULL,
    credits INTEGER NOT NULL,
    usd INTEGER NOT NULL,
    PRIMARY KEY ("key")
);

CREATE TABLE signals (
    "key" VARCHAR NOT NULL,
    n INTEGER NOT NULL,
    type VARCHAR NOT NULL,
    headline TEXT NOT NULL,
    url TEXT NOT NULL,
    host VARCHAR NOT NULL,
    published VARCHAR NOT NULL,
    date_precision VARCHAR NOT NULL,
    relevance FLOAT NOT NULL,
    snippet TEXT NOT NULL,
    result_index INTEGER NOT NULL,
    seen_on INTEGER NOT NULL,
    fetched_at VARCHAR NOT NULL,
    search_call_id VARCHAR NOT NULL,
    call_id VARCHAR NOT NULL,
    PRIMARY KEY ("key", n)
);

CREATE TABLE work (
    kind VARCHAR NOT NULL,
    n INTEGER NOT NULL,
    "key" VARCHAR NOT NULL,
    PRIMARY KEY (kind, n)
);

CREATE TABLE deal_contacts (
    deal_id VARCHAR NOT NULL,
    contact_id VARCHAR NOT NULL,
    role_label TEXT NOT NULL,
    is_primary INTEGER NOT NULL,
    role VARCHAR NOT NULL,
    role_source VARCHAR NOT NULL,
    role_confidence FLOAT NOT NULL,
    role_reason TEXT NOT NULL,
    runner_up VARCHAR NOT NULL,
    runner_up_source VARCHAR NOT NULL,
    runner_up_confidence FLOAT NOT NULL,
    PRIMARY KEY (deal_id, contact_id),
    FOREIGN KEY(deal_id) REFERENCES deals (id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE INDEX ix_accounts_key ON accounts ("key");

CREATE INDEX ix_contacts_person_key ON contacts (person_key);

CREATE INDEX ix_deals_load_id ON deals (load_id);

CREATE INDEX ix_deals_account_id ON deals (account_id);

CREATE INDEX ix_people_call_id ON people (call_id);

CREATE INDEX calls_by_run ON calls (run_id);

CREATE INDEX calls_by_state ON calls (provider, state, applied);

CREATE INDEX calls_by_sent ON calls (provider, sent_at);

CREATE INDEX ix_deal_contacts_contact_id ON deal_contacts (contact_id);
