// Statements that rows would come out of in the order of a hidden column's index, were they let through: each is a way that somebody
// once found past those that may not show order (sql/index-order.ts).

export interface OrderPicks {
  pick<T>(from: readonly T[]): T
  upTo(most: number): number
}

/** One text, or several that one session sends, between semicolons. */
export function orderTexts({ pick, upTo }: OrderPicks): readonly (() => string)[] {
  const tests = [
    'ssn IS NOT NULL',
    'phone IS NOT NULL',
    'NOT (dob IS NULL)',
    'email IS NOT NULL',
    'lower(notes) IS NOT NULL',
  ]
  const test = () => pick(tests)
  const id = () => 1 + upTo(6)
  return [
    () => `SELECT id FROM customers WHERE ${test()}${pick(['', ' LIMIT 1', ' ORDER BY city', ' FOR UPDATE'])}`,
    () => `SELECT ${pick(['1', "'x'::text", 'true'])} FROM customers WHERE ${test()} LIMIT ${id()}`,
    () => `SELECT EXISTS (SELECT 1 FROM customers WHERE ${test()})`,
    () => `SELECT EXISTS (SELECT 1 WHERE p.id = ${id()}) FROM customers p WHERE ${test()}`,
    () => `SELECT count(*), max(id) FROM customers WHERE ${test()}`,
    () =>
      `SELECT city, count(*) FROM customers WHERE ${test()} GROUP BY city${pick([' ORDER BY city', '', ' ORDER BY 1 LIMIT 1'])}`,
    () => `SELECT (SELECT 1 AS id), max(id) FROM customers WHERE ${test()} GROUP BY id ORDER BY id`,
    () => `SELECT x FROM customers AS p(x, id) WHERE ssn IS NOT NULL ORDER BY id`,
    () => `SELECT id, 'x'::name FROM customers WHERE ${test()} ORDER BY name`,
    () =>
      `SELECT t.id FROM customers t, json_table('[1]'::jsonb, '$[*]' COLUMNS (id int PATH '$')) g WHERE t.${test()} ORDER BY g.id`,
    () => `WITH x AS (UPDATE customers SET vip = vip WHERE id = ${id()}) SELECT id FROM customers WHERE ${test()}`,
    () =>
      `WITH x AS (SELECT 1 FROM customers WHERE id = ${id()}) SELECT id FROM customers WHERE ${test()} ORDER BY vip`,
    () => `SELECT count(*) FROM customers WHERE ${test()} AND ${id()} / (id - ${id()}) > 0`,
    () => `SELECT count(*) FROM (SELECT 1 / (id - ${id()}) FROM customers WHERE ${test()} LIMIT 2) s`,
    () =>
      `SELECT count(*) FROM orders WHERE EXISTS (SELECT 1 FROM customers WHERE ${test()} AND 2147483640 + id * ${id()} > 0)`,
    () => `SELECT min(id) FROM customers WHERE ${test()} AND 2147483640 + id > 0`,
    () => `SELECT sum(DISTINCT price) FROM products, customers WHERE ${test()}`,
    () => `SELECT array_agg(id), string_agg(name, ',') FROM customers WHERE ${test()}`,
    () => `SELECT row_number() OVER (), id FROM customers WHERE ${test()}`,
    () => `SELECT id, order_id FROM payments WHERE cvv IS NOT NULL${pick(['', ' LIMIT 2', ' ORDER BY id'])}`,
    () => `SELECT id FROM payments WHERE amount > ${id()}${pick(['', ' ORDER BY id'])}`,
    () =>
      `SELECT id, full_name FROM ${pick(['person', 'contractor', 'ONLY person'])}${pick(['', ' WHERE tax_id IS NOT NULL'])}`,
    () =>
      `SELECT id FROM orders WHERE ${pick(['qty = 2', 'ship_phone IS NOT NULL', "status = 'new'"])}${pick(['', ' LIMIT 1'])}`,
    // Names that mean something else than they say, and what stands beside a key.
    () =>
      `SELECT ${pick(['nullif(id, 1.5)', 'greatest(id, 1.5)', 'coalesce(id, 1.0)'])} AS vip FROM customers WHERE ${test()} ORDER BY vip`,
    () =>
      `SELECT max(x) FROM (SELECT ${pick(['nullif(id, 1.5)', 'coalesce(balance, id)', 'id'])} AS x FROM customers WHERE ${test()}) s`,
    () => `SELECT sum(price) FROM (SELECT ${pick(['DISTINCT ', ''])}price FROM products, customers WHERE ${test()}) s`,
    () =>
      `SELECT c.id, o.id FROM customers c ${pick(['', 'LEFT ', 'FULL '])}JOIN orders o ON o.customer_id = c.id WHERE c.${test()} ORDER BY ${pick(['c.id', 'o.id', 'c.id, o.id', '2, 1'])}${pick(['', ' LIMIT 2'])}`,
    () =>
      `SELECT c.id FROM customers c, orders o WHERE c.${test()} AND o.id = ${id()}${pick(['', ' ORDER BY 1', ' LIMIT 1'])}`,
    () =>
      `SELECT id, city FROM customers WHERE ${test()} AND EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = customers.id) ORDER BY ${pick(['1', 'city', 'city, id', '2'])}`,
    () =>
      `SELECT city FROM customers AS c(${pick(['city, id', 'id, city', 'key'])}) WHERE ${test()} ORDER BY 1 LIMIT 2`,
    () => `SELECT id FROM customers WHERE ${test()} AND (id = ${id()} OR id = ${id()}) LIMIT 1`,
    () =>
      `SELECT name FROM customers WHERE ${test()} AND id = ${pick(['id', 'id + 0', 'length(name)', 'customers.id'])}${pick(['', ' LIMIT 1', ' FOR UPDATE'])}`,
    () => `SELECT name FROM customers WHERE id = ${id()} AND ${test()}${pick(['', ' FOR UPDATE', ' LIMIT 1'])}`,
  ]
}

/** Several statements of one session; what they write is taken back. */
export function orderSessions({ pick, upTo }: OrderPicks): readonly (() => string)[] {
  const id = () => 1 + upTo(6)
  return [
    () =>
      `BEGIN; DECLARE c CURSOR FOR SELECT ${pick(['1', 'id'])} FROM customers WHERE ssn IS NOT NULL; FETCH 1 FROM c; UPDATE customers SET vip = true WHERE CURRENT OF c RETURNING id; ROLLBACK`,
    () =>
      `PREPARE o (${pick(['float8', 'text', 'int'])}) AS SELECT 1 FROM customers WHERE ssn IS NOT NULL AND (id <> ${id()} OR $1::int = id) LIMIT 1; EXECUTE o ('${pick(['x', '1'])}'); DEALLOCATE o`,
    () =>
      `BEGIN; UPDATE customers SET city = 'z' WHERE phone IS NOT NULL; SELECT id FROM customers WHERE city = 'z'; ROLLBACK`,
    () =>
      `UPDATE customers SET vip = 1 / (id - ${id()}) > 0 WHERE ssn IS NOT NULL; ROLLBACK; SELECT id, xmax = 0 FROM customers ORDER BY id`,
    () => `BEGIN; DELETE FROM payments WHERE cvv IS NOT NULL AND id > ${id()}; SELECT id FROM payments; ROLLBACK`,
    () =>
      `BEGIN; UPDATE customers SET vip = NOT vip WHERE id = ${id()} AND ssn IS NOT NULL RETURNING id, vip; ROLLBACK`,
  ]
}
