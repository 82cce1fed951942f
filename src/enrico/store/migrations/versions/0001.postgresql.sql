-- Never change this: see ../frozen.py.

CREATE TABLE accounts (
    id VARCHAR COLLATE "C" NOT NULL,
    "key" VARCHAR COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    domain VARCHAR COLLATE "C" NOT NULL,
    industry TEXT COLLATE "C" NOT NULL,
    country TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE calls (
    id VARCHAR COLLATE "C" NOT NULL,
    run_id VARCHAR COLLATE "C" NOT NULL,
    provider VARCHAR COLLATE "C" NOT NULL,
    endpoint VARCHAR COLLATE "C" NOT NULL,
    state VARCHAR COLLATE "C" NOT NULL,
    attempt BIGINT NOT NULL,
    rate_limited BIGINT NOT NULL,
    items TEXT COLLATE "C" NOT NULL,
    request BYTEA NOT NULL,
    reserved_credits BIGINT NOT NULL,
    reserved_usd BIGINT NOT NULL,
    credits BIGINT NOT NULL,
    usd BIGINT NOT NULL,
    sent_at VARCHAR COLLATE "C" NOT NULL,
    ended_at VARCHAR COLLATE "C" NOT NULL,
    duration_ms FLOAT NOT NULL,
    status BIGINT NOT NULL,
    headers TEXT COLLATE "C" NOT NULL,
    body BYTEA NOT NULL,
    applied BIGINT NOT NULL,
    error TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE classifications (
    "key" VARCHAR COLLATE "C" NOT NULL,
    state VARCHAR COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    search_call_id VARCHAR COLLATE "C" NOT NULL,
    call_id VARCHAR COLLATE "C" NOT NULL,
    at VARCHAR COLLATE "C" NOT NULL,
    usd BIGINT NOT NULL,
    score FLOAT NOT NULL,
    score_parts TEXT COLLATE "C" NOT NULL,
    signals BIGINT NOT NULL,
    top_signals TEXT COLLATE "C" NOT NULL,
    summary TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY ("key")
);

CREATE TABLE contacts (
    id VARCHAR COLLATE "C" NOT NULL,
    account_id VARCHAR COLLATE "C" NOT NULL,
    person_key VARCHAR COLLATE "C" NOT NULL,
    unusable VARCHAR COLLATE "C" NOT NULL,
    first_name TEXT COLLATE "C" NOT NULL,
    last_name TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    department TEXT COLLATE "C" NOT NULL,
    phone TEXT COLLATE "C" NOT NULL,
    linkedin_url TEXT COLLATE "C" NOT NULL,
    role_label TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE deals (
    id VARCHAR COLLATE "C" NOT NULL,
    load_id VARCHAR COLLATE "C" NOT NULL,
    account_id VARCHAR COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    stage TEXT COLLATE "C" NOT NULL,
    outcome VARCHAR COLLATE "C" NOT NULL,
    amount VARCHAR COLLATE "C" NOT NULL,
    currency VARCHAR COLLATE "C" NOT NULL,
    close_date VARCHAR COLLATE "C" NOT NULL,
    created_date VARCHAR COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    role_fields TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE load_problems (
    load_id VARCHAR COLLATE "C" NOT NULL,
    n BIGINT NOT NULL,
    file TEXT COLLATE "C" NOT NULL,
    sheet TEXT COLLATE "C" NOT NULL,
    "row" BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    mend TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (load_id, n)
);

CREATE TABLE loads (
    id VARCHAR COLLATE "C" NOT NULL,
    at VARCHAR COLLATE "C" NOT NULL,
    report TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE people (
    "key" VARCHAR COLLATE "C" NOT NULL,
    state VARCHAR COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    fetched_at VARCHAR COLLATE "C" NOT NULL,
    checked_at VARCHAR COLLATE "C" NOT NULL,
    call_id VARCHAR COLLATE "C" NOT NULL,
    provider VARCHAR COLLATE "C" NOT NULL,
    provider_id VARCHAR COLLATE "C" NOT NULL,
    credits BIGINT NOT NULL,
    usd BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    seniority VARCHAR COLLATE "C" NOT NULL,
    departments TEXT COLLATE "C" NOT NULL,
    functions TEXT COLLATE "C" NOT NULL,
    employer TEXT COLLATE "C" NOT NULL,
    employer_domain VARCHAR COLLATE "C" NOT NULL,
    employer_since VARCHAR COLLATE "C" NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    email_status VARCHAR COLLATE "C" NOT NULL,
    linkedin_url TEXT COLLATE "C" NOT NULL,
    city TEXT COLLATE "C" NOT NULL,
    country TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY ("key")
);

CREATE TABLE runs (
    id VARCHAR COLLATE "C" NOT NULL,
    started_at VARCHAR COLLATE "C" NOT NULL,
    ended_at VARCHAR COLLATE "C" NOT NULL,
    status VARCHAR COLLATE "C" NOT NULL,
    options TEXT COLLATE "C" NOT NULL,
    "plan" TEXT COLLATE "C" NOT NULL,
    summary TEXT COLLATE "C" NOT NULL,
    usage_before TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE searches (
    "key" VARCHAR COLLATE "C" NOT NULL,
    state VARCHAR COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    fetched_at VARCHAR COLLATE "C" NOT NULL,
    call_id VARCHAR COLLATE "C" NOT NULL,
    results BIGINT NOT NULL,
    credits BIGINT NOT NULL,
    usd BIGINT NOT NULL,
    PRIMARY KEY ("key")
);

CREATE TABLE signals (
    "key" VARCHAR COLLATE "C" NOT NULL,
    n BIGINT NOT NULL,
    type VARCHAR COLLATE "C" NOT NULL,
    headline TEXT COLLATE "C" NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    host VARCHAR COLLATE "C" NOT NULL,
    published VARCHAR COLLATE "C" NOT NULL,
    date_precision VARCHAR COLLATE "C" NOT NULL,
    relevance FLOAT NOT NULL,
    snippet TEXT COLLATE "C" NOT NULL,
    result_index BIGINT NOT NULL,
    seen_on BIGINT NOT NULL,
    fetched_at VARCHAR COLLATE "C" NOT NULL,
    search_call_id VARCHAR COLLATE "C" NOT NULL,
    call_id VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY ("key", n)
);

CREATE TABLE work (
    kind VARCHAR COLLATE "C" NOT NULL,
    n BIGINT NOT NULL,
    "key" VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, n)
);

CREATE TABLE deal_contacts (
    deal_id VARCHAR COLLATE "C" NOT NULL,
    contact_id VARCHAR COLLATE "C" NOT NULL,
    role_label TEXT COLLATE "C" NOT NULL,
    is_primary BIGINT NOT NULL,
    role VARCHAR COLLATE "C" NOT NULL,
    role_source VARCHAR COLLATE "C" NOT NULL,
    role_confidence FLOAT NOT NULL,
    role_reason TEXT COLLATE "C" NOT NULL,
    runner_up VARCHAR COLLATE "C" NOT NULL,
    runner_up_source VARCHAR COLLATE "C" NOT NULL,
    runner_up_confidence FLOAT NOT NULL,
    PRIMARY KEY (deal_id, contact_id),
    FOREIGN KEY(deal_id) REFERENCES deals (id) ON DELETE CASCADE
);

CREATE INDEX ix_accounts_key ON accounts ("key");

CREATE INDEX ix_contacts_person_key ON contacts (person_key);

CREATE INDEX ix_deals_load_id ON deals (load_id);

CREATE INDEX ix_deals_account_id ON deals (account_id);

CREATE INDEX ix_people_call_id ON people (call_id);

CREATE INDEX calls_by_run ON calls (run_id);

CREATE INDEX calls_by_state ON calls (provider, state, applied);

CREATE INDEX calls_by_sent ON calls (provider, sent_at);

CREATE INDEX ix_deal_contacts_contact_id ON deal_contacts (contact_id);
