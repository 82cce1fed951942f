-- Never change this: see ../frozen.py.

ALTER TABLE written_files RENAME TO written_files_before;

DROP INDEX ix_written_files_made;

CREATE TABLE written_files (
    path TEXT NOT NULL,
    made VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    recipe TEXT NOT NULL,
    stamp VARCHAR NOT NULL,
    at VARCHAR NOT NULL,
    host VARCHAR NOT NULL,
    PRIMARY KEY (path, host)
);

CREATE INDEX ix_written_files_made ON written_files (made);

INSERT INTO written_files SELECT path, made, kind, recipe, stamp, at, '' FROM written_files_before;

DROP TABLE written_files_before;
