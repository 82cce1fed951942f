-- Never change this: see ../frozen.py.

CREATE TABLE chunks (
    id VARCHAR COLLATE "C" NOT NULL,
    run_id VARCHAR COLLATE "C" NOT NULL,
    worker VARCHAR COLLATE "C" NOT NULL,
    state VARCHAR COLLATE "C" NOT NULL,
    kind VARCHAR COLLATE "C" NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    started_at VARCHAR COLLATE "C" NOT NULL,
    ended_at VARCHAR COLLATE "C" NOT NULL,
    stats TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX ix_chunks_run_id ON chunks (run_id);

CREATE TABLE claims (
    kind VARCHAR COLLATE "C" NOT NULL,
    key VARCHAR COLLATE "C" NOT NULL,
    chunk_id VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, key)
);

CREATE INDEX ix_claims_chunk_id ON claims (chunk_id);

CREATE TABLE leases (
    chunk_id VARCHAR COLLATE "C" NOT NULL,
    run_id VARCHAR COLLATE "C" NOT NULL,
    waiting BIGINT NOT NULL,
    credits BIGINT NOT NULL,
    usd BIGINT NOT NULL,
    provider_credits TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (chunk_id)
);

CREATE INDEX ix_leases_run_id ON leases (run_id);

CREATE TABLE schedules (
    id VARCHAR COLLATE "C" NOT NULL,
    every_seconds FLOAT NOT NULL,
    options TEXT COLLATE "C" NOT NULL,
    next_at VARCHAR COLLATE "C" NOT NULL,
    run_id VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (id)
);
