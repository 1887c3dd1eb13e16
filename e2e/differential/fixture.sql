-- What every script finds: the same in each database, made by the role that the scripts run as.
CREATE SCHEMA scratch;
CREATE TYPE mood AS ENUM ('sad', 'fine', 'happy');
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TABLE people (
  id       integer PRIMARY KEY,
  name     text NOT NULL,
  email    text UNIQUE,
  born     date,
  balance  numeric(10, 2) NOT NULL DEFAULT 0
);
CREATE TABLE notes (
  id      integer PRIMARY KEY,
  person  integer REFERENCES people ON DELETE CASCADE,
  body    text CHECK (body <> ''),
  tags    text[],
  meta    jsonb
);
CREATE TABLE items (
  id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name   text NOT NULL UNIQUE,
  price  numeric(8, 2) NOT NULL CONSTRAINT dear CHECK (price > 0),
  gross  numeric GENERATED ALWAYS AS (price * 2) STORED,
  stock  smallint NOT NULL DEFAULT 1
);
CREATE TABLE typed (
  id  integer PRIMARY KEY,
  i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision, n numeric, t text, v varchar(5), c char(4), b bytea,
  bo boolean, d date, ts timestamp, tz timestamptz, ti time, iv interval, u uuid, j json, jb jsonb, m mood, ia integer[],
  ta text[], net inet, bits bit varying(8), r int4range
);
CREATE TABLE vault (id integer PRIMARY KEY, secret text);
CREATE TABLE big (id integer PRIMARY KEY, pad text NOT NULL);
CREATE TABLE readings (at integer NOT NULL, value integer) PARTITION BY RANGE (at);
CREATE TABLE readings_low PARTITION OF readings FOR VALUES FROM (0) TO (100);
CREATE TABLE readings_high PARTITION OF readings FOR VALUES FROM (100) TO (200);
CREATE TABLE bookings (room integer, during int4range, EXCLUDE USING gist (during WITH &&));
CREATE SEQUENCE tickets START 100;
CREATE VIEW names AS SELECT id, name FROM people;
CREATE VIEW contacts AS SELECT id, email AS address FROM people;
CREATE FUNCTION add_up(a integer, b integer DEFAULT 10) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
CREATE FUNCTION note_count(who integer) RETURNS bigint LANGUAGE sql STABLE AS
  'SELECT count(*) FROM public.notes WHERE person = who';
CREATE FUNCTION shout(words text) RETURNS text LANGUAGE plpgsql AS
  $$BEGIN RAISE NOTICE 'shouting %', words USING HINT = 'cover your ears', DETAIL = 'loud'; RETURN upper(words); END$$;
CREATE FUNCTION fail(state text) RETURNS void LANGUAGE plpgsql AS $$BEGIN
  RAISE EXCEPTION 'failed on purpose' USING ERRCODE = state, DETAIL = 'the detail', HINT = 'the hint',
    SCHEMA = 'a_schema', TABLE = 'a_table', COLUMN = 'a_column', DATATYPE = 'a_type', CONSTRAINT = 'a_constraint';
END$$;
CREATE PROCEDURE rename_item(old text, new text) LANGUAGE sql AS
  'UPDATE public.items SET name = new WHERE name = old';

INSERT INTO big SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, 3000) AS n;

-- Everything that scripts change, as it was.
CREATE PROCEDURE start_over() LANGUAGE plpgsql AS $$BEGIN
  DELETE FROM notes; DELETE FROM people; DELETE FROM items; DELETE FROM typed; DELETE FROM vault; DELETE FROM readings;
  DELETE FROM bookings; DELETE FROM big WHERE id > 3000;
  PERFORM setval('tickets', 100, false); PERFORM setval('items_id_seq', 4, false);
  INSERT INTO people VALUES
    (1, 'ann', 'ann@example.test', '1980-02-29', 10.50), (2, 'bob', 'bob@example.test', '1991-07-01', 0),
    (3, 'cara', NULL, NULL, -3.25), (4, 'dora', 'dora@mail.test', '2001-12-31', 1000000);
  INSERT INTO notes VALUES
    (1, 1, 'first', '{a,b}', '{"k": 1}'), (2, 1, 'second', NULL, NULL), (3, 2, 'third', '{}', '[1, "two", null]');
  INSERT INTO items (id, name, price, stock) OVERRIDING SYSTEM VALUE VALUES
    (1, 'pen', 1.25, 10), (2, 'ink', 7.00, 3), (3, 'paper', 0.10, 500);
  INSERT INTO typed VALUES (1, 1, 2, 3, 1.5, 2.5, 123.4500, 'text', 'five5', 'ch', '\x00ff10', true, '2024-02-29',
    '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789+02', '23:59:59', '1 year 2 mons 3 days 04:05:06.7',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a" : 1}', '{"b": [1, 2]}', 'happy', '{1,NULL,3}', '{"a b",NULL,""}',
    '10.0.0.1/8', '10101', '[1,5)');
  INSERT INTO typed (id) VALUES (2);
  INSERT INTO vault VALUES (1, 'gold');
  INSERT INTO readings VALUES (1, 10), (50, 20), (150, 30);
  INSERT INTO bookings VALUES (1, '[1,5)');
END$$;
CALL start_over();
