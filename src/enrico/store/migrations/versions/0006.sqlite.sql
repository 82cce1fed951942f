-- Never change this: see ../frozen.py.

ALTER TABLE claims RENAME TO claims_before;

DROP INDEX ix_claims_chunk_id;

CREATE TABLE claims (
    kind VARCHAR NOT NULL,
    "key" VARCHAR NOT NULL,
    chunk_id VARCHAR NOT NULL,
    asked INTEGER NOT NULL,
    PRIMARY KEY (kind, "key")
);

CREATE INDEX ix_claims_chunk_id ON claims (chunk_id);

INSERT INTO claims SELECT kind, "key", chunk_id, 1 FROM claims_before;

DROP TABLE claims_before;

ALTER TABLE unresolved ADD COLUMN taker INTEGER NOT NULL DEFAULT 0;
