-- Never change this: see ../frozen.py.

CREATE TABLE suppressions (
    hash VARCHAR COLLATE "C" NOT NULL,
    kind VARCHAR COLLATE "C" NOT NULL,
    subject VARCHAR COLLATE "C" NOT NULL,
    at VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (hash)
);

CREATE TABLE data_keys (
    id VARCHAR COLLATE "C" NOT NULL,
    purpose VARCHAR COLLATE "C" NOT NULL,
    wrapped BIGINT NOT NULL,
    data BYTEA NOT NULL,
    at VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE provider_keys (
    provider VARCHAR COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    data_key VARCHAR COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL,
    last_four VARCHAR COLLATE "C" NOT NULL,
    fingerprint VARCHAR COLLATE "C" NOT NULL,
    at VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (provider)
);

CREATE TABLE written_files (
    path TEXT COLLATE "C" NOT NULL,
    made VARCHAR COLLATE "C" NOT NULL,
    kind VARCHAR COLLATE "C" NOT NULL,
    recipe TEXT COLLATE "C" NOT NULL,
    stamp VARCHAR COLLATE "C" NOT NULL,
    at VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (path)
);

CREATE INDEX ix_written_files_made ON written_files (made);

CREATE TABLE upkeep (
    name VARCHAR COLLATE "C" NOT NULL,
    at VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (name)
);
