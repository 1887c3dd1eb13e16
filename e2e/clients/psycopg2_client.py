# psycopg2: text only, one statement after another.
import datetime
import decimal
import io
import select

import psycopg2
import psycopg2.extras
from psycopg2 import errors as states
from report import Cannot, cancelled, keywords, raised, report

connection = psycopg2.connect(**keywords())
connection.autocommit = True


def execute(text, values=None):
    cursor = connection.cursor()
    cursor.execute(text, values)
    return cursor


def typed():
    row = execute('SELECT i4, i8, f8, n, t, bo, d, iv, jb, ia, ta FROM typed WHERE id = %s', [1]).fetchone()
    assert row[:6] == (2, 3, 2.5, decimal.Decimal('123.4500'), 'text', True), row
    assert row[6] == datetime.date(2024, 2, 29) and row[8:] == ({'b': [1, 2]}, [1, None, 3], ['a b', None, '']), row
    assert bytes(execute('SELECT b FROM typed WHERE id = 1').fetchone()[0]) == b'\x00\xff\x10'


def binary():
    raise Cannot('it reads results as text only')


def transactions():
    connection.autocommit = False
    try:
        execute("INSERT INTO notes VALUES (730, 1, 'undone', NULL, NULL)")
        connection.rollback()
        execute("INSERT INTO notes VALUES (731, 1, 'kept', NULL, NULL)")
        execute('SAVEPOINT s')
        raised(states.UniqueViolation, lambda: execute("INSERT INTO notes VALUES (731, 1, 'twice', NULL, NULL)"))
        raised(states.InFailedSqlTransaction, lambda: execute('SELECT 1'))
        execute('ROLLBACK TO s')
        connection.commit()
    finally:
        connection.rollback()
        connection.autocommit = True
    assert execute('SELECT id FROM notes WHERE id IN (730, 731)').fetchall() == [(731,)]


def errors():
    error = raised(states.UniqueViolation, lambda: execute("INSERT INTO items (name, price) VALUES ('pen', 1)"))
    assert error.diag.constraint_name == 'items_name_key' and 'pen' in error.diag.message_detail
    assert raised(states.SyntaxError, lambda: execute('SELEC 1')).diag.statement_position == '1'
    assert raised(psycopg2.Error, lambda: execute('SELECT 1/%s', [0])).pgcode == '22012'


def copy():
    cursor = connection.cursor()
    cursor.copy_expert('COPY notes (id, person, body) FROM STDIN', io.StringIO('740\t1\tcopied\n741\t1\ttoo\n'))
    out = io.StringIO()
    cursor.copy_expert('COPY (SELECT id FROM notes WHERE id IN (740, 741) ORDER BY id) TO STDOUT', out)
    assert out.getvalue() == '740\n741\n'


def cursors():
    connection.autocommit = False
    with connection.cursor(name='batches') as cursor:
        cursor.itersize = 100
        cursor.execute('SELECT id FROM big ORDER BY id')
        assert sum(row[0] for row in cursor) == 4501500
    connection.commit()
    connection.autocommit = True


def cancel():
    error = cancelled(lambda: execute('SELECT pg_sleep(60)'), connection.cancel)
    assert error.pgcode == '57014', error
    assert execute('SELECT 1').fetchone() == (1,)


def notifications():
    execute('LISTEN psycopg2')
    other = psycopg2.connect(**keywords())
    other.autocommit = True
    other.cursor().execute("NOTIFY psycopg2, 'heard'")
    other.close()
    assert select.select([connection], [], [], 10)[0], 'nothing came'
    connection.poll()
    notify = connection.notifies.pop()
    assert (notify.channel, notify.payload) == ('psycopg2', 'heard')
    execute('UNLISTEN psycopg2')


def large():
    rows = execute('SELECT id, pad FROM big ORDER BY id').fetchall()
    assert len(rows) == 3000 and all(len(pad) == 256 for _, pad in rows)
    assert len(execute("SELECT repeat('x', %s)", [2000000]).fetchone()[0]) == 2000000


def pipelined():
    cursor = connection.cursor()
    psycopg2.extras.execute_batch(cursor, "UPDATE items SET stock = %s WHERE name = 'ink'",
                                  [(number % 100,) for number in range(1000)], page_size=1000)
    assert execute("SELECT stock FROM items WHERE name = 'ink'").fetchone() == (99,)
    raise Cannot('it has no pipelines; 1,000 statements in one text (execute_batch) pass')


def masks():
    assert execute('SELECT id, email FROM people WHERE id < 4 ORDER BY id').fetchall() == [
        (1, '***@example.test'), (2, '***@example.test'), (3, None)]


def denied():
    error = raised(states.InsufficientPrivilege, lambda: execute('SELECT * FROM vault'))
    assert 'POLICY_DENIED' in error.diag.message_hint


report({
    'types in text': typed, 'types in binary': binary, 'transactions': transactions, 'errors': errors, 'COPY': copy,
    'cursors': cursors, 'cancel': cancel, 'notifications': notifications, 'large results': large,
    '1,000 pipelined statements': pipelined, 'masks': masks, 'the deny rule': denied,
})
connection.close()
