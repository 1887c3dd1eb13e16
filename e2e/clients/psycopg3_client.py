# psycopg 3: everything that the matrix asks for.
import datetime
import decimal
import uuid

import psycopg
from report import cancelled, keywords, raised, report

connection = psycopg.connect(**keywords(), autocommit=True)


def typed(binary):
    row = connection.execute('SELECT i4, i8, f8, n, t, b, bo, d, tz, iv, u, jb, ia, ta FROM typed WHERE id = %s', [1],
                             binary=binary).fetchone()
    utc = datetime.timezone.utc
    assert row[:7] == (2, 3, 2.5, decimal.Decimal('123.4500'), 'text', b'\x00\xff\x10', True), row
    assert row[7] == datetime.date(2024, 2, 29), row
    assert row[8] == datetime.datetime(2024, 2, 29, 10, 34, 56, 789000, tzinfo=utc), row
    assert row[9].days == 365 + 60 + 3 and row[10] == uuid.UUID('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), row
    assert row[11:] == ({'b': [1, 2]}, [1, None, 3], ['a b', None, '']), row


def transactions():
    raised(ZeroDivisionError, failing_block)
    assert connection.execute('SELECT count(*) FROM notes WHERE id = 700').fetchone() == (0,)
    with connection.transaction():
        connection.execute("INSERT INTO notes VALUES (701, 1, 'kept', NULL, NULL)")
        raised(psycopg.errors.UniqueViolation, failing_savepoint)
    assert connection.execute('SELECT count(*) FROM notes WHERE id = 701').fetchone() == (1,)


def failing_block():
    with connection.transaction():
        connection.execute("INSERT INTO notes VALUES (700, 1, 'undone', NULL, NULL)")
        raise ZeroDivisionError


def failing_savepoint():
    with connection.transaction():
        connection.execute("INSERT INTO notes VALUES (701, 1, 'twice', NULL, NULL)")


def errors():
    error = raised(psycopg.errors.UniqueViolation,
                   lambda: connection.execute("INSERT INTO items (name, price) VALUES ('pen', 1)"))
    assert error.diag.constraint_name == 'items_name_key' and 'pen' in error.diag.message_detail
    error = raised(psycopg.errors.SyntaxError, lambda: connection.execute('SELEC 1'))
    assert error.diag.statement_position == '1'
    raised(psycopg.errors.DivisionByZero, lambda: connection.execute('SELECT 1/%s', [0]))


def copy():
    with connection.cursor() as cursor:
        with cursor.copy('COPY notes (id, person, body) FROM STDIN') as target:
            for number in range(5):
                target.write_row((710 + number, 1, 'copied %d' % number))
        with cursor.copy('COPY (SELECT id FROM notes WHERE id BETWEEN 710 AND 714 ORDER BY id) TO STDOUT (FORMAT binary)') as source:
            source.set_types(['int4'])
            assert [row[0] for row in source.rows()] == [710, 711, 712, 713, 714]


def cursors():
    with connection.transaction(), connection.cursor(name='batches') as cursor:
        cursor.itersize = 100
        cursor.execute('SELECT id FROM big ORDER BY id')
        assert sum(row[0] for row in cursor) == 4501500


def cancel():
    error = cancelled(lambda: connection.execute('SELECT pg_sleep(60)'), connection.cancel)
    assert isinstance(error, psycopg.errors.QueryCanceled), error
    assert connection.execute('SELECT 1').fetchone() == (1,)


def notifications():
    connection.execute('LISTEN psycopg3')
    with psycopg.connect(**keywords(), autocommit=True) as other:
        other.execute("SELECT pg_notify('psycopg3', %s)", ['heard'])
    notify = next(connection.notifies())
    assert (notify.channel, notify.payload) == ('psycopg3', 'heard')
    connection.execute('UNLISTEN psycopg3')


def large():
    rows = connection.execute('SELECT id, pad FROM big ORDER BY id').fetchall()
    assert len(rows) == 3000 and all(len(pad) == 256 for _, pad in rows)
    assert len(connection.execute("SELECT repeat('x', %s)", [2000000]).fetchone()[0]) == 2000000


def pipelined():
    with connection.pipeline():
        cursors = [connection.execute('SELECT %s::int4', [number]) for number in range(1000)]
    assert [cursor.fetchone()[0] for cursor in cursors] == list(range(1000))


def masks():
    for binary in (False, True):
        rows = connection.execute('SELECT id, email FROM people WHERE id < %s ORDER BY id', [4], binary=binary)
        assert rows.fetchall() == [(1, '***@example.test'), (2, '***@example.test'), (3, None)]


def denied():
    error = raised(psycopg.errors.InsufficientPrivilege, lambda: connection.execute('SELECT * FROM vault'))
    assert 'POLICY_DENIED' in error.diag.message_hint
    with connection.pipeline():
        connection.execute("INSERT INTO notes VALUES (720, 1, 'undone', NULL, NULL)")
        raised(psycopg.Error, denied_in_pipeline)
    assert connection.execute('SELECT count(*) FROM notes WHERE id = 720').fetchone() == (0,)


def denied_in_pipeline():
    connection.execute('SELECT * FROM vault').fetchone()


report({
    'types in text': lambda: typed(False), 'types in binary': lambda: typed(True), 'transactions': transactions,
    'errors': errors, 'COPY': copy, 'cursors': cursors, 'cancel': cancel, 'notifications': notifications,
    'large results': large, '1,000 pipelined statements': pipelined, 'masks': masks, 'the deny rule': denied,
})
connection.close()
