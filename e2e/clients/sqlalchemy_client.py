# SQLAlchemy over psycopg2: an ORM's own queries, its reflection of the catalog, and its unit of work.
import decimal

from report import Cannot, cancelled, keywords, raised, report
from sqlalchemy import (
    Column, ForeignKey, Integer, MetaData, Numeric, String, create_engine, func, inspect, select, text)
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session, declarative_base, joinedload, relationship, selectinload, subqueryload

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
    reflection()


def reflection():
    with engine.connect() as connection:
        found = inspect(connection)
        columns = {column['name']: column for column in found.get_columns('people')}
        assert list(columns) == ['id', 'name', 'email', 'born', 'balance'], columns
        assert isinstance(columns['email']['type'], String) and not columns['id']['nullable']
        assert found.get_pk_constraint('people')['constrained_columns'] == ['id']
        assert [key['column_names'] for key in found.get_unique_constraints('people')] == [['email']]
        assert [index['column_names'] for index in found.get_indexes('people')] == [['email']]
        assert [key['referred_table'] for key in found.get_foreign_keys('notes')] == ['people']
        assert found.get_view_names() and found.get_sequence_names()
    metadata = MetaData()
    metadata.reflect(engine, only=['people', 'notes', 'items', 'typed'])
    people = metadata.tables['people']
    with engine.connect() as connection:
        row = connection.execute(select(people).where(people.c.id == 1)).mappings().one()
        assert (row['name'], row['email']) == ('ann', '***@example.test'), row


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
    reads()


def reads():
    with Session(engine) as session:
        assert session.get(Person, 2).email == '***@example.test'
        page = session.query(Person).order_by(Person.name.desc(), Person.id).offset(1).limit(2).all()
        assert len(page) == 2 and all(person.email is None or '***' in person.email for person in page)
        assert session.query(func.count()).select_from(Person).scalar() >= 4
        assert session.query(func.count(Person.email)).scalar() >= 3
        assert session.query(Person).filter(Person.email.isnot(None)).count() >= 3
        assert session.query(Person).filter(Person.name.like('a%')).count() == 1
        groups = session.query(Note.person, func.count(Note.id)).group_by(Note.person).order_by(Note.person).all()
        assert [person for person, _ in groups][:2] == [1, 2], groups
        busy = session.query(Person.name).join(Note).group_by(Person.id, Person.name).having(func.count() > 1).all()
        assert ('ann',) in [tuple(row) for row in busy]
        pairs = session.query(Person, Note).join(Note).filter(Person.id == 1).order_by(Note.id).limit(2).all()
        assert [(person.email, note.body) for person, note in pairs] == [
            ('***@example.test', 'first'), ('***@example.test', 'second')]
        for option in (joinedload, selectinload, subqueryload):
            found = session.query(Person).options(option(Person.notes)).filter(Person.id.in_([1, 2])).populate_existing().all()
            assert {person.name: person.notes[0].body for person in found} == {'ann': 'first', 'bob': 'third'}
        assert session.query(session.query(Person).filter(Person.id == 1).exists()).scalar()
        newest = session.query(Person.name, Person.email, func.row_number().over(order_by=Person.id)).limit(1).one()
        assert tuple(newest) == ('ann', '***@example.test', 1)
        total = session.query(func.sum(Person.balance), func.max(Person.id)).filter(Person.id < 5).one()
        assert total[1] == 4
        aliased_notes = session.query(Note).filter(Note.owner.has(Person.name == 'bob')).all()
        assert [note.body for note in aliased_notes if note.id == 3] == ['third']
        assert [row.email for row in session.query(Person.email).filter(Person.id.in_([1, 3])).order_by(Person.id)] == [
            '***@example.test', None]


def denied():
    with engine.connect() as connection:
        error = raised(ProgrammingError, lambda: connection.execute(text('SELECT * FROM vault')))
        assert 'POLICY_DENIED' in error.orig.diag.message_hint


report({
    'types in text': typed, 'types in binary': binary, 'transactions': transactions, 'errors': errors, 'COPY': copy,
    'cursors': cursors, 'cancel': cancel, 'notifications': notifications, 'large results': large,
    '1,000 pipelined statements': pipelined, 'masks': masks, 'the deny rule': denied,
})
