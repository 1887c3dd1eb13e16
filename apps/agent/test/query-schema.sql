-- A shop for generated queries: protected columns beside plain ones, and everything that can stand between a query and its
-- tables. Made once, before the rows; both databases are copies of one template, so that their OIDs are equal.
CREATE SCHEMA hr;
CREATE TABLE customers (
  id int PRIMARY KEY, name text NOT NULL, email text UNIQUE, ssn text UNIQUE CHECK (ssn ~ '^\d'), card text, phone text,
  dob date, city text, vip boolean NOT NULL DEFAULT false, notes text, profile jsonb, prefs jsonb);
CREATE TABLE products (id int PRIMARY KEY, sku text UNIQUE NOT NULL, title text NOT NULL, price numeric(10,2) NOT NULL);
CREATE TABLE orders (
  id int NOT NULL, customer_id int NOT NULL REFERENCES customers (id) ON DELETE CASCADE, product_id int NOT NULL,
  created_on date NOT NULL, qty int NOT NULL DEFAULT 1, total numeric(10,2) NOT NULL, status text NOT NULL DEFAULT 'new',
  ship_phone text, PRIMARY KEY (id, created_on)) PARTITION BY RANGE (created_on);
CREATE TABLE orders_2024 PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
CREATE TABLE payments (id int PRIMARY KEY, order_id int NOT NULL, pan text UNIQUE, cvv int,
  amount numeric(10,2) NOT NULL CHECK (amount >= 0));
CREATE TABLE person (id int PRIMARY KEY, full_name text NOT NULL, tax_id text);
CREATE TABLE contractor (day_rate numeric(10,2)) INHERITS (person);
CREATE TABLE hr.employees (id int PRIMARY KEY, full_name text NOT NULL, team text NOT NULL, salary int,
  national_id text UNIQUE, band text GENERATED ALWAYS AS (CASE WHEN salary > 5000 THEN 'high' ELSE 'low' END) STORED,
  CHECK (full_name <> national_id));
CREATE TABLE scratch (id int PRIMARY KEY, note text, num numeric);
CREATE TABLE kept_rows (id int PRIMARY KEY, who customers);
CREATE INDEX customers_name ON customers (name);
CREATE VIEW v_public AS SELECT id, name, city, vip FROM customers;
CREATE VIEW v_full AS SELECT * FROM customers;
CREATE VIEW v_contact (id, label, reference) AS SELECT id, name, ssn FROM customers;
CREATE VIEW v_nested AS SELECT id, label, reference AS ref2 FROM v_contact;
CREATE VIEW v_orders AS SELECT o.id, o.status, o.total, p.title, c.name, o.ship_phone
  FROM orders o JOIN products p ON p.id = o.product_id JOIN customers c ON c.id = o.customer_id;
CREATE VIEW v_cities AS SELECT city, count(*)::int AS people, count(ssn)::int AS numbers FROM customers GROUP BY city;
CREATE VIEW v_derived AS SELECT id, upper(email) AS mail, length(notes) AS long FROM customers;
CREATE VIEW v_prefs AS SELECT id, prefs ->> 'lang' AS lang, prefs -> 'contact' AS contact, prefs AS whole FROM customers;
CREATE FUNCTION order_total(cid int) RETURNS numeric LANGUAGE sql STABLE
  AS $$ SELECT coalesce(sum(total), 0) FROM orders WHERE customer_id = cid $$;
CREATE FUNCTION get_customer(cid int) RETURNS customers LANGUAGE sql STABLE AS $$ SELECT * FROM customers WHERE id = cid $$;
CREATE FUNCTION list_contacts() RETURNS TABLE (cid int, contact text) LANGUAGE sql STABLE
  AS $$ SELECT id, email FROM customers ORDER BY id $$;
CREATE FUNCTION customer_label(c customers) RETURNS text LANGUAGE sql STABLE
  AS $$ SELECT c.name || ' <' || c.email || '>' $$;
CREATE FUNCTION initial(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT left($1, 1) $$;
CREATE FUNCTION hidden(cid int) RETURNS text LANGUAGE plpgsql STABLE
  AS $$ DECLARE r text; BEGIN SELECT phone INTO r FROM customers WHERE id = cid; RETURN r; END $$;
-- Triggers: one that only counts, one that keeps a protected value where it is protected as well, and those that would carry
-- it out: to a plain column, by a test, through a variable, by an error, into a row that may be there already.
CREATE TABLE kept_log (id int, what text, step int);
CREATE TABLE seen_once (what text UNIQUE);
CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN IF TG_OP = 'UPDATE' THEN NEW.num := coalesce(OLD.num, 0) + 1; END IF; RETURN NEW; END $$;
CREATE TRIGGER counts BEFORE INSERT OR UPDATE ON scratch FOR EACH ROW EXECUTE FUNCTION counts();
CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO kept_log (id, what, step)
    VALUES (OLD.id, 'customer ' || OLD.id || ' was ' || coalesce(OLD.ssn, '-'), 1); RETURN NEW; END $$;
CREATE TRIGGER logs AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION logs();
CREATE TABLE trg_plain (id int PRIMARY KEY, secret text, note text, n int);
CREATE TABLE trg_tests (LIKE trg_plain INCLUDING ALL);
CREATE TABLE trg_variable (LIKE trg_plain INCLUDING ALL);
CREATE TABLE trg_fails (LIKE trg_plain INCLUDING ALL);
CREATE TABLE trg_once (LIKE trg_plain INCLUDING ALL);
CREATE TABLE trg_raises (LIKE trg_plain INCLUDING ALL);
CREATE TABLE trg_when (LIKE trg_plain INCLUDING ALL);
CREATE TABLE trg_record (LIKE trg_plain INCLUDING ALL);
CREATE FUNCTION trg_plain_row() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN NEW.note := OLD.secret; RETURN NEW; END $$;
CREATE FUNCTION trg_tests_row() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN IF OLD.secret LIKE '%left%' THEN NEW.n := 1; ELSE NEW.n := 2; END IF; RETURN NEW; END $$;
CREATE FUNCTION trg_variable_row() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE v text; w text := ''; BEGIN FOR i IN 1..2 LOOP NEW.note := w; w := v; v := OLD.secret; END LOOP;
  NEW.note := coalesce(w, v); RETURN NEW; END $$;
CREATE FUNCTION trg_fails_row() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN NEW.n := left(OLD.secret, 3)::int; RETURN NEW; END $$;
CREATE FUNCTION trg_once_row() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO seen_once VALUES (OLD.secret); RETURN NEW; END $$;
CREATE FUNCTION trg_raises_row() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN RAISE NOTICE 'was %', OLD.secret USING DETAIL = OLD.secret; RETURN NEW; END $$;
CREATE FUNCTION trg_when_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := 7; RETURN NEW; END $$;
CREATE FUNCTION trg_record_row() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE r record := OLD; BEGIN NEW.note := r.secret; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE UPDATE ON trg_plain FOR EACH ROW EXECUTE FUNCTION trg_plain_row();
CREATE TRIGGER t BEFORE UPDATE ON trg_tests FOR EACH ROW EXECUTE FUNCTION trg_tests_row();
CREATE TRIGGER t BEFORE UPDATE ON trg_variable FOR EACH ROW EXECUTE FUNCTION trg_variable_row();
CREATE TRIGGER t BEFORE UPDATE ON trg_fails FOR EACH ROW EXECUTE FUNCTION trg_fails_row();
CREATE TRIGGER t BEFORE UPDATE ON trg_once FOR EACH ROW EXECUTE FUNCTION trg_once_row();
CREATE TRIGGER t BEFORE UPDATE ON trg_raises FOR EACH ROW EXECUTE FUNCTION trg_raises_row();
CREATE TRIGGER t BEFORE UPDATE ON trg_when FOR EACH ROW WHEN (OLD.secret LIKE '%left%') EXECUTE FUNCTION trg_when_row();
CREATE TRIGGER t BEFORE UPDATE ON trg_record FOR EACH ROW EXECUTE FUNCTION trg_record_row();
-- Row security: by a plain column, and by protected ones of the table and of another.
CREATE TABLE rls_tests (id int PRIMARY KEY, secret text, note text);
CREATE TABLE rls_joined (id int PRIMARY KEY, note text);
ALTER TABLE products ENABLE ROW LEVEL SECURITY;
ALTER TABLE rls_tests ENABLE ROW LEVEL SECURITY;
ALTER TABLE rls_joined ENABLE ROW LEVEL SECURITY;
CREATE POLICY plain ON products USING (price < 45) WITH CHECK (true);
CREATE POLICY tests ON rls_tests USING (secret LIKE '%left%');
CREATE POLICY joined ON rls_joined
  USING (EXISTS (SELECT FROM customers c WHERE c.id = rls_joined.id AND c.ssn LIKE '%left%'));
GRANT USAGE ON SCHEMA hr TO app;
GRANT ALL ON ALL TABLES IN SCHEMA public, hr TO app;
