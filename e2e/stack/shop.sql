-- The shop of the demo: what a small shop keeps, with personal data in it. Deterministic: the same rows every time, made
-- from fixed lists; no person or number is real (names of lists, example.test, 555-01xx, SSNs of the unused group 9xx).
CREATE TABLE customers (
  id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name        text NOT NULL,
  email       text NOT NULL UNIQUE,
  phone       text NOT NULL,
  ssn         text NOT NULL,
  address     text NOT NULL,
  city        text NOT NULL,
  born        date NOT NULL,
  created_at  timestamptz NOT NULL
);
CREATE TABLE products (
  id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name        text NOT NULL UNIQUE,
  category    text NOT NULL,
  price       numeric(10, 2) NOT NULL CHECK (price > 0),
  stock       integer NOT NULL CHECK (stock >= 0)
);
CREATE TABLE orders (
  id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES customers,
  status      text NOT NULL CHECK (status IN ('placed', 'paid', 'shipped', 'returned', 'cancelled')),
  placed_at   timestamptz NOT NULL,
  note        text
);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE TABLE order_items (
  order_id    integer NOT NULL REFERENCES orders,
  product_id  integer NOT NULL REFERENCES products,
  quantity    integer NOT NULL CHECK (quantity > 0),
  price       numeric(10, 2) NOT NULL,
  PRIMARY KEY (order_id, product_id)
);
CREATE TABLE payments (
  id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id    integer NOT NULL REFERENCES orders,
  method      text NOT NULL CHECK (method IN ('card', 'transfer', 'invoice')),
  card_last4  char(4),
  amount      numeric(10, 2) NOT NULL,
  paid_at     timestamptz NOT NULL
);

INSERT INTO customers (name, email, phone, ssn, address, city, born, created_at)
SELECT first || ' ' || last,
       lower(first) || '.' || lower(last) || '@example.test',
       '+1-' || (201 + n * 7 % 700) || '-555-' || to_char(100 + n, 'FM0000'),
       to_char(900 + n, 'FM000') || '-' || to_char(10 + n * 3 % 60, 'FM00') || '-' || to_char(1000 + n * 73, 'FM0000'),
       (1 + n * 17 % 240) || ' ' || street,
       city,
       date '1952-03-14' + n * 431,
       timestamptz '2025-01-06 08:15:00+00' + n * interval '9 days 3 hours 7 minutes'
FROM (
  SELECT n,
    (ARRAY['Alma','Bruno','Chloe','Dario','Edith','Farid','Greta','Hugo','Ines','Jonas',
           'Katya','Louis','Mina','Niels','Olga','Pavel','Quinn','Rosa','Sami','Tessa'])[1 + n % 20] AS first,
    (ARRAY['Almeida','Bauer','Costa','Dubois','Eriksen','Fischer','Garcia','Haas','Ivanova','Jensen'])[1 + (n % 20 * 3 + n / 20 * 7) % 10] AS last,
    (ARRAY['Orchard Road','Mill Lane','Harbour Street','Station Road','Castle Hill','River Walk'])[1 + n % 6] AS street,
    (ARRAY['Lisbon','Vienna','Lyon','Bergen','Bremen','Prague','Turin','Ghent'])[1 + n % 8] AS city
  FROM generate_series(0, 39) AS n
) AS made;

INSERT INTO products (name, category, price, stock)
VALUES ('Enamel mug', 'kitchen', 14.50, 120), ('Chef''s knife', 'kitchen', 69.00, 35), ('Cast iron pan', 'kitchen', 49.90, 48),
       ('Linen towel', 'home', 12.00, 200), ('Wool blanket', 'home', 89.00, 22), ('Desk lamp', 'home', 59.00, 61),
       ('Notebook A5', 'paper', 7.90, 400), ('Fountain pen', 'paper', 34.00, 75), ('Ink bottle', 'paper', 11.50, 130),
       ('Rain jacket', 'outdoor', 129.00, 40), ('Head torch', 'outdoor', 39.90, 88), ('Steel bottle', 'outdoor', 27.00, 150);

INSERT INTO orders (customer_id, status, placed_at, note)
SELECT 1 + n * 13 % 40,
       (ARRAY['paid','shipped','shipped','placed','shipped','returned','paid','cancelled'])[1 + n % 8],
       timestamptz '2026-02-02 09:00:00+00' + n * interval '31 hours 11 minutes',
       CASE n % 9 WHEN 0 THEN 'leave at the neighbour' WHEN 4 THEN 'gift, no invoice in the parcel' END
FROM generate_series(0, 69) AS n;

INSERT INTO order_items (order_id, product_id, quantity, price)
SELECT o.id, p.id, 1 + (o.id + p.id) % 3, p.price
FROM orders AS o
JOIN products AS p ON p.id = 1 + o.id * 5 % 12 OR (o.id % 3 = 0 AND p.id = 1 + o.id * 7 % 12);

INSERT INTO payments (order_id, method, card_last4, amount, paid_at)
SELECT o.id,
       (ARRAY['card','card','transfer','card','invoice'])[1 + o.id % 5],
       CASE WHEN o.id % 5 IN (0, 1, 3) THEN to_char(1000 + o.id * 97 % 9000, 'FM0000') END,
       (SELECT sum(quantity * price) FROM order_items WHERE order_id = o.id),
       o.placed_at + interval '25 minutes'
FROM orders AS o
WHERE o.status IN ('paid', 'shipped', 'returned');

-- The role that the agent logs in as. Its password is set by whoever loads this file and is known to the agent alone.
CREATE ROLE app_rw LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
GRANT CONNECT ON DATABASE shop TO app_rw;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO app_rw;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO app_rw;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app_rw;
ANALYZE;
