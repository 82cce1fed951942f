-- Never change this: see ../frozen.py.

ALTER TABLE written_files ADD COLUMN host VARCHAR COLLATE "C" NOT NULL DEFAULT '';

ALTER TABLE written_files ALTER COLUMN host DROP DEFAULT;

ALTER TABLE written_files DROP CONSTRAINT written_files_pkey;

ALTER TABLE written_files ADD PRIMARY KEY (path, host);
