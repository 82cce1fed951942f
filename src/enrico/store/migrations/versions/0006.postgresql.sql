-- Never change this: see ../frozen.py.

ALTER TABLE claims ADD COLUMN asked BIGINT NOT NULL DEFAULT 1;

ALTER TABLE claims ALTER COLUMN asked DROP DEFAULT;
