-- Never change this: see ../frozen.py.

CREATE TABLE suppressions (
    hash VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    at VARCHAR NOT NULL,
    PRIMARY KEY (hash)
);

CREATE TABLE data_keys (
    id VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL,
    wrapped INTEGER NOT NULL,
    data BLOB NOT NULL,
    at VARCHAR NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE provider_keys (
    provider VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    data_key VARCHAR NOT NULL,
    sealed BLOB NOT NULL,
    last_four VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    at VARCHAR NOT NULL,
    PRIMARY KEY (provider)
);

CREATE TABLE written_files (
    path TEXT NOT NULL,
    made VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    recipe TEXT NOT NULL,
    stamp VARCHAR NOT NULL,
    at VARCHAR NOT NULL,
    PRIMARY KEY (path)
);

CREATE INDEX ix_written_files_made ON written_files (made);

CREATE TABLE upkeep (
    name VARCHAR NOT NULL,
    at VARCHAR NOT NULL,
    PRIMARY KEY (name)
);
