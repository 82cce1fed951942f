-- Never change this: see ../frozen.py.

ALTER TABLE calls ADD COLUMN waited_ms FLOAT NOT NULL DEFAULT 0;

ALTER TABLE calls ADD COLUMN waited_for VARCHAR NOT NULL DEFAULT '';

DROP INDEX ix_deals_load_id;

DROP TABLE work;

CREATE TABLE run_events (
    run_id VARCHAR NOT NULL,
    n INTEGER NOT NULL,
    at VARCHAR NOT NULL,
    provider VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    seconds FLOAT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (run_id, n)
);

CREATE TABLE unresolved (
    account_id VARCHAR NOT NULL,
    deal_id VARCHAR NOT NULL,
    taken INTEGER NOT NULL,
    PRIMARY KEY (account_id, deal_id)
) WITHOUT ROWID;

CREATE TABLE role_rules (
    id INTEGER NOT NULL,
    version VARCHAR NOT NULL,
    threshold FLOAT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE role_notes (
    account_id VARCHAR NOT NULL,
    deal_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (account_id, deal_id, kind, field, value)
) WITHOUT ROWID;

CREATE TABLE notices (
    rule VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    at VARCHAR NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (rule, subject)
);

CREATE TABLE requests (
    id VARCHAR NOT NULL,
    at VARCHAR NOT NULL,
    options TEXT NOT NULL,
    settings VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE work (
    run_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    n INTEGER NOT NULL,
    "key" VARCHAR NOT NULL,
    PRIMARY KEY (run_id, kind, n)
);

CREATE TABLE load_deals (
    load_id VARCHAR NOT NULL,
    deal_id VARCHAR NOT NULL,
    PRIMARY KEY (load_id, deal_id)
) WITHOUT ROWID;

INSERT INTO load_deals SELECT load_id, id FROM deals;

ALTER TABLE deals DROP COLUMN load_id;

CREATE TRIGGER doubt_accounts_new AFTER INSERT ON accounts WHEN true BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE d.account_id = new.id LIMIT 1 ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; END;

CREATE TRIGGER doubt_accounts_changed AFTER UPDATE OF name, domain ON accounts WHEN (true) AND (old.name IS NOT new.name OR old.domain IS NOT new.domain) BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE d.account_id = new.id LIMIT 1 ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; END;

CREATE TRIGGER doubt_accounts_gone AFTER DELETE ON accounts WHEN true BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE d.account_id = old.id LIMIT 1 ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; END;

CREATE TRIGGER doubt_deals_changed AFTER UPDATE OF account_id, role_fields ON deals WHEN (true) AND (old.account_id IS NOT new.account_id OR old.role_fields IS NOT new.role_fields) BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE d.id = new.id ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1;
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT old.account_id, CASE old.account_id WHEN '' THEN old.id ELSE '' END, 0 WHERE true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; END;

CREATE TRIGGER doubt_deals_gone AFTER DELETE ON deals WHEN true BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT old.account_id, CASE old.account_id WHEN '' THEN old.id ELSE '' END, 0 WHERE true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; END;

CREATE TRIGGER doubt_deal_contacts_new AFTER INSERT ON deal_contacts WHEN true BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE d.id = new.deal_id ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; END;

CREATE TRIGGER doubt_deal_contacts_changed AFTER UPDATE OF role_label ON deal_contacts WHEN (true) AND (old.role_label IS NOT new.role_label) BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE d.id = new.deal_id ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; END;

CREATE TRIGGER doubt_deal_contacts_gone AFTER DELETE ON deal_contacts WHEN true BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE d.id = old.deal_id ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; END;

CREATE TRIGGER doubt_contacts_new AFTER INSERT ON contacts WHEN true BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deal_contacts s JOIN deals d ON d.id = s.deal_id WHERE s.contact_id = new.id ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1;
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM contacts c JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id WHERE new.person_key <> '' AND c.person_key = new.person_key AND NOT EXISTS (
            SELECT 1 FROM contacts o WHERE o.person_key = new.person_key AND o.id <> new.id
            AND lower(trim(o.first_name || ' ' || o.last_name)) NOT IN ('', (
                SELECT lower(trim(f.first_name || ' ' || f.last_name)) FROM contacts f WHERE f.person_key = new.person_key
                AND f.id <> new.id AND lower(trim(f.first_name || ' ' || f.last_name)) <> '' LIMIT 1))) ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; END;

CREATE TRIGGER doubt_contacts_changed AFTER UPDATE OF person_key, first_name, last_name, email, title, role_label ON contacts WHEN (true) AND (old.person_key IS NOT new.person_key OR old.first_name IS NOT new.first_name OR old.last_name IS NOT new.last_name OR old.email IS NOT new.email OR old.title IS NOT new.title OR old.role_label IS NOT new.role_label) BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deal_contacts s JOIN deals d ON d.id = s.deal_id WHERE s.contact_id = new.id ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1;
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM contacts c JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id WHERE new.person_key <> '' AND c.person_key = new.person_key AND true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1;
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM contacts c JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id WHERE old.person_key <> '' AND c.person_key = old.person_key AND old.person_key <> new.person_key ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; END;

CREATE TRIGGER doubt_contacts_gone AFTER DELETE ON contacts WHEN true BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deal_contacts s JOIN deals d ON d.id = s.deal_id WHERE s.contact_id = old.id ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1;
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM contacts c JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id WHERE old.person_key <> '' AND c.person_key = old.person_key AND true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; END;

CREATE TRIGGER doubt_people_new AFTER INSERT ON people WHEN new.state = 'found' BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM contacts c JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id WHERE new.key <> '' AND c.person_key = new.key AND true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; END;

CREATE TRIGGER doubt_people_changed AFTER UPDATE OF state, name, title, seniority, departments, functions, employer, employer_domain, provider ON people WHEN ('found' IN (old.state, new.state)) AND (old.state IS NOT new.state OR old.name IS NOT new.name OR old.title IS NOT new.title OR old.seniority IS NOT new.seniority OR old.departments IS NOT new.departments OR old.functions IS NOT new.functions OR old.employer IS NOT new.employer OR old.employer_domain IS NOT new.employer_domain OR old.provider IS NOT new.provider) BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM contacts c JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id WHERE new.key <> '' AND c.person_key = new.key AND true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; END;

CREATE TRIGGER doubt_people_gone AFTER DELETE ON people WHEN old.state = 'found' BEGIN
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM contacts c JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id WHERE old.key <> '' AND c.person_key = old.key AND true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1; END;

INSERT INTO unresolved (account_id, deal_id, taken)
    SELECT DISTINCT d.account_id, CASE d.account_id WHEN '' THEN d.id ELSE '' END, 0 FROM deals d WHERE true ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1;
