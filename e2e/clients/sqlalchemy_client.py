# SQLAlchemy over psycopg2: an ORM's own queries, its reflection of the catalog, and its unit of work.
import decimal

from report import Cannot, cancelled, keywords, raised, report
from sqlalchemy import Column, ForeignKey, Integer, Numeric, String, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session, declarative_base, relationship

engine = create_engine('postgresql+psycopg2://', connect_args=keywords())
Base = declarative_base()


class Person(Base):
    __tablename__ = 'people'
    id = Column(Integer, primary_key=True)
    name = Column(String)
    email = Column(String)
    balance = Column(Numeric)
    notes = relationship('Note', back_populates='owner', order_by='Note.id')


class Note(Base):
    __tablename__ = 'notes'
    id = Column(Integer, primary_key=True)
    person = Column(Integer, ForeignKey('people.id'))
    body = Column(String)
    owner = relationship(Person, back_populates='notes')


def typed():
    with engine.connect() as connection:
        row = connection.execute(text('SELECT i4, n, bo, jb, ia FROM typed WHERE id = :id'), {'id': 1}).one()
        assert tuple(row) == (2, decimal.Decimal('123.4500'), True, {'b': [1, 2]}, [1, None, 3]), row
        assert {'people', 'notes'} <= set(inspect(connection).get_table_names())
        # Its reflection of columns reads comments, which might show values while masks apply.
        error = raised(ProgrammingError, lambda: inspect(connection).get_columns('items'))
        assert 'MASK_UNPROVABLE' in error.orig.diag.message_hint


def binary():
    raise Cannot('psycopg2 reads results as text only')


def transactions():
    with Session(engine) as session:
        session.add(Note(id=750, person=1, body='undone'))
        session.flush()
        session.rollback()
        session.add(Note(id=751, person=1, body='kept'))
        session.flush()
        raised(IntegrityError, lambda: twice(session))
        session.commit()
        assert [note.id for note in session.query(Note).filter(Note.id.in_([750, 751]))] == [751]
        owner = session.get(Person, 1, options=[])
        assert owner.name == 'ann' and 751 in [note.id for note in owner.notes]


def twice(session):
    with session.begin_nested():
        session.execute(text("INSERT INTO notes VALUES (751, 1, 'twice', NULL, NULL)"))


def errors():
    with engine.connect() as connection:
        error = raised(IntegrityError, lambda: connection.execute(text("INSERT INTO items (name, price) VALUES ('pen', 1)")))
        assert error.orig.diag.constraint_name == 'items_name_key'
        connection.rollback() if hasattr(connection, 'rollback') else None
    with engine.connect() as connection:
        assert raised(DBAPIError, lambda: connection.execute(text('SELECT 1/0'))).orig.pgcode == '22012'


def copy():
    raise Cannot('it has no COPY of its own; psycopg2 below it has')


def cursors():
    with engine.connect().execution_options(stream_results=True, max_row_buffer=100) as connection:
        assert sum(row[0] for row in connection.execute(text('SELECT id FROM big ORDER BY id'))) == 4501500


def cancel():
    connection = engine.connect()
    raw = connection.connection.connection
    error = cancelled(lambda: connection.execute(text('SELECT pg_sleep(60)')), raw.cancel)
    assert error.orig.pgcode == '57014', error
    connection.close()


def notifications():
    raise Cannot('it has no notifications of its own; psycopg2 below it has')


def large():
    with engine.connect() as connection:
        rows = connection.execute(text('SELECT id, pad FROM big ORDER BY id')).all()
        assert len(rows) == 3000 and all(len(pad) == 256 for _, pad in rows)


def pipelined():
    with engine.begin() as connection:
        connection.execute(text("UPDATE items SET stock = :stock WHERE name = 'ink'"),
                           [{'stock': number % 100} for number in range(1000)])
        assert connection.execute(text("SELECT stock FROM items WHERE name = 'ink'")).scalar() == 99
    raise Cannot('it has no pipelines; 1,000 statements one after another (executemany) pass')


def masks():
    with Session(engine) as session:
        people = session.query(Person).order_by(Person.id).limit(3).all()
        assert [person.email for person in people] == ['***@example.test', '***@example.test', None]


def denied():
    with engine.connect() as connection:
        error = raised(ProgrammingError, lambda: connection.execute(text('SELECT * FROM vault')))
        assert 'POLICY_DENIED' in error.orig.diag.message_hint


report({
    'types in text': typed, 'types in binary': binary, 'transactions': transactions, 'errors': errors, 'COPY': copy,
    'cursors': cursors, 'cancel': cancel, 'notifications': notifications, 'large results': large,
    '1,000 pipelined statements': pipelined, 'masks': masks, 'the deny rule': denied,
})
