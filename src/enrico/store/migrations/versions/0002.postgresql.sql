-- Never change this: see ../frozen.py.

ALTER TABLE calls ADD COLUMN waited_ms FLOAT NOT NULL DEFAULT 0;

ALTER TABLE calls ADD COLUMN waited_for VARCHAR COLLATE "C" NOT NULL DEFAULT '';

DROP INDEX ix_deals_load_id;

DROP TABLE work;

CREATE TABLE run_events (
    run_id VARCHAR COLLATE "C" NOT NULL,
    n BIGINT NOT NULL,
    at VARCHAR COLLATE "C" NOT NULL,
    provider VARCHAR COLLATE "C" NOT NULL,
    kind VARCHAR COLLATE "C" NOT NULL,
    seconds FLOAT NOT NULL,
    detail TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (run_id, n)
);

CREATE TABLE unresolved (
    account_id VARCHAR COLLATE "C" NOT NULL,
    deal_id VARCHAR COLLATE "C" NOT NULL,
    taken BIGINT NOT NULL,
    PRIMARY KEY (account_id, deal_id)
);

CREATE TABLE role_rules (
    id BIGSERIAL NOT NULL,
    version VARCHAR COLLATE "C" NOT NULL,
    threshold FLOAT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE role_notes (
    account_id VARCHAR COLLATE "C" NOT NULL,
    deal_id VARCHAR COLLATE "C" NOT NULL,
    kind VARCHAR COLLATE "C" NOT NULL,
    field TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (account_id, deal_id, kind, field, value)
);

CREATE TABLE notices (
    rule VARCHAR COLLATE "C" NOT NULL,
    subject VARCHAR COLLATE "C" NOT NULL,
    at VARCHAR COLLATE "C" NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (rule, subject)
);

CREATE TABLE requests (
    id VARCHAR COLLATE "C" NOT NULL,
    at VARCHAR COLLATE "C" NOT NULL,
    options TEXT COLLATE "C" NOT NULL,
    settings VARCHAR COLLATE "C" NOT NULL,
    state VARCHAR COLLATE "C" NOT NULL,
    run_id VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE work (
    run_id VARCHAR COLLATE "C" NOT NULL,
    kind VARCHAR COLLATE "C" NOT NULL,
    n BIGINT NOT NULL,
    key VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (run_id, kind, n)
);

CREATE TABLE load_deals (
    load_id VARCHAR COLLATE "C" NOT NULL,
    deal_id VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (load_id, deal_id)
);

INSERT INTO load_deals SELECT load_id, id FROM deals;

ALTER TABLE deals DROP COLUMN load_id;

CREATE FUNCTION doubt_accounts_new() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE d.account_id = new.id LIMIT 1 ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; RETURN NULL; END $$;

CREATE TRIGGER doubt_accounts_new AFTER INSERT ON accounts FOR EACH ROW WHEN (true) EXECUTE FUNCTION doubt_accounts_new();

CREATE FUNCTION doubt_accounts_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE d.account_id = new.id LIMIT 1 ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; RETURN NULL; END $$;

CREATE TRIGGER doubt_accounts_changed AFTER UPDATE OF name, domain ON accounts FOR EACH ROW WHEN ((true) AND (old.name IS DISTINCT FROM new.name OR old.domain IS DISTINCT FROM new.domain)) EXECUTE FUNCTION doubt_accounts_changed();

CREATE FUNCTION doubt_accounts_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE d.account_id = old.id LIMIT 1 ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; RETURN NULL; END $$;

CREATE TRIGGER doubt_accounts_gone AFTER DELETE ON accounts FOR EACH ROW WHEN (true) EXECUTE FUNCTION doubt_accounts_gone();

CREATE FUNCTION doubt_deals_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE d.id = new.id ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1;
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT old.account_id, CASE old.account_id WHEN '' THEN old.id ELSE '' END, 0 WHERE true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; RETURN NULL; END $$;

CREATE TRIGGER doubt_deals_changed AFTER UPDATE OF account_id, role_fields ON deals FOR EACH ROW WHEN ((true) AND (old.account_id IS DISTINCT FROM new.account_id OR old.role_fields IS DISTINCT FROM new.role_fields)) EXECUTE FUNCTION doubt_deals_changed();

CREATE FUNCTION doubt_deals_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT old.account_id, CASE old.account_id WHEN '' THEN old.id ELSE '' END, 0 WHERE true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; RETURN NULL; END $$;

CREATE TRIGGER doubt_deals_gone AFTER DELETE ON deals FOR EACH ROW WHEN (true) EXECUTE FUNCTION doubt_deals_gone();

CREATE FUNCTION doubt_deal_contacts_new() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE d.id = new.deal_id ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; RETURN NULL; END $$;

CREATE TRIGGER doubt_deal_contacts_new AFTER INSERT ON deal_contacts FOR EACH ROW WHEN (true) EXECUTE FUNCTION doubt_deal_contacts_new();

CREATE FUNCTION doubt_deal_contacts_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE d.id = new.deal_id ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; RETURN NULL; END $$;

CREATE TRIGGER doubt_deal_contacts_changed AFTER UPDATE OF role_label ON deal_contacts FOR EACH ROW WHEN ((true) AND (old.role_label IS DISTINCT FROM new.role_label)) EXECUTE FUNCTION doubt_deal_contacts_changed();

CREATE FUNCTION doubt_deal_contacts_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE d.id = old.deal_id ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; RETURN NULL; END $$;

CREATE TRIGGER doubt_deal_contacts_gone AFTER DELETE ON deal_contacts FOR EACH ROW WHEN (true) EXECUTE FUNCTION doubt_deal_contacts_gone();

CREATE FUNCTION doubt_contacts_new() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deal_contacts s JOIN deals d ON d.id = s.deal_id WHERE s.contact_id = new.id ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1;
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM contacts c JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id WHERE new.person_key <> '' AND c.person_key = new.person_key AND NOT EXISTS (
            SELECT 1 FROM contacts o WHERE o.person_key = new.person_key AND o.id <> new.id
            AND lower(trim(o.first_name || ' ' || o.last_name)) NOT IN ('', (
                SELECT lower(trim(f.first_name || ' ' || f.last_name)) FROM contacts f WHERE f.person_key = new.person_key
                AND f.id <> new.id AND lower(trim(f.first_name || ' ' || f.last_name)) <> '' LIMIT 1))) ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; RETURN NULL; END $$;

CREATE TRIGGER doubt_contacts_new AFTER INSERT ON contacts FOR EACH ROW WHEN (true) EXECUTE FUNCTION doubt_contacts_new();

CREATE FUNCTION doubt_contacts_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deal_contacts s JOIN deals d ON d.id = s.deal_id WHERE s.contact_id = new.id ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1;
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM contacts c JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id WHERE new.person_key <> '' AND c.person_key = new.person_key AND true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1;
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM contacts c JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id WHERE old.person_key <> '' AND c.person_key = old.person_key AND old.person_key <> new.person_key ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; RETURN NULL; END $$;

CREATE TRIGGER doubt_contacts_changed AFTER UPDATE OF person_key, first_name, last_name, email, title, role_label ON contacts FOR EACH ROW WHEN ((true) AND (old.person_key IS DISTINCT FROM new.person_key OR old.first_name IS DISTINCT FROM new.first_name OR old.last_name IS DISTINCT FROM new.last_name OR old.email IS DISTINCT FROM new.email OR old.title IS DISTINCT FROM new.title OR old.role_label IS DISTINCT FROM new.role_label)) EXECUTE FUNCTION doubt_contacts_changed();

CREATE FUNCTION doubt_contacts_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deal_contacts s JOIN deals d ON d.id = s.deal_id WHERE s.contact_id = old.id ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1;
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM contacts c JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id WHERE old.person_key <> '' AND c.person_key = old.person_key AND true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; RETURN NULL; END $$;

CREATE TRIGGER doubt_contacts_gone AFTER DELETE ON contacts FOR EACH ROW WHEN (true) EXECUTE FUNCTION doubt_contacts_gone();

CREATE FUNCTION doubt_people_new() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM contacts c JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id WHERE new.key <> '' AND c.person_key = new.key AND true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; RETURN NULL; END $$;

CREATE TRIGGER doubt_people_new AFTER INSERT ON people FOR EACH ROW WHEN (new.state = 'found') EXECUTE FUNCTION doubt_people_new();

CREATE FUNCTION doubt_people_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM contacts c JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id WHERE new.key <> '' AND c.person_key = new.key AND true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; RETURN NULL; END $$;

CREATE TRIGGER doubt_people_changed AFTER UPDATE OF state, name, title, seniority, departments, functions, employer, employer_domain, provider ON people FOR EACH ROW WHEN (('found' IN (old.state, new.state)) AND (old.state IS DISTINCT FROM new.state OR old.name IS DISTINCT FROM new.name OR old.title IS DISTINCT FROM new.title OR old.seniority IS DISTINCT FROM new.seniority OR old.departments IS DISTINCT FROM new.departments OR old.functions IS DISTINCT FROM new.functions OR old.employer IS DISTINCT FROM new.employer OR old.employer_domain IS DISTINCT FROM new.employer_domain OR old.provider IS DISTINCT FROM new.provider)) EXECUTE FUNCTION doubt_people_changed();

CREATE FUNCTION doubt_people_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM contacts c JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id WHERE old.key <> '' AND c.person_key = old.key AND true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; RETURN NULL; END $$;

CREATE TRIGGER doubt_people_gone AFTER DELETE ON people FOR EACH ROW WHEN (old.state = 'found') EXECUTE FUNCTION doubt_people_gone();

INSERT INTO unresolved (account_id, deal_id, taken)
    SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1;
