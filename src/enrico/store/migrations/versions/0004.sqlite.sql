-- Never change this: see ../frozen.py.

CREATE TABLE chunks (
    id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    worker VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    started_at VARCHAR NOT NULL,
    ended_at VARCHAR NOT NULL,
    stats TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX ix_chunks_run_id ON chunks (run_id);

CREATE TABLE claims (
    kind VARCHAR NOT NULL,
    "key" VARCHAR NOT NULL,
    chunk_id VARCHAR NOT NULL,
    PRIMARY KEY (kind, "key")
);

CREATE INDEX ix_claims_chunk_id ON claims (chunk_id);

CREATE TABLE leases (
    chunk_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    waiting INTEGER NOT NULL,
    credits INTEGER NOT NULL,
    usd INTEGER NOT NULL,
    provider_credits TEXT NOT NULL,
    PRIMARY KEY (chunk_id)
);

CREATE INDEX ix_leases_run_id ON leases (run_id);

CREATE TABLE schedules (
    id VARCHAR NOT NULL,
    every_seconds FLOAT NOT NULL,
    options TEXT NOT NULL,
    next_at VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (id)
);
