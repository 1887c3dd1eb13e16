# Runs scripts with psycopg 3: one line of JSON in is a place and its steps, one line out is the trace. Values are taken
# as the bytes that came, not as what Python makes of them.
import json
import re
import sys
import threading
import time

import psycopg

FIELDS = [
    'severity', 'sqlstate', 'message_primary', 'message_detail', 'message_hint', 'statement_position',
    'internal_position', 'internal_query', 'context', 'schema_name', 'table_name', 'column_name', 'datatype_name',
    'constraint_name', 'source_file', 'source_line', 'source_function',
]
PARAMETERS = ['application_name', 'client_encoding', 'DateStyle', 'IntervalStyle', 'TimeZone', 'is_superuser',
              'session_authorization', 'standard_conforming_strings', 'in_hot_standby', 'search_path']


def tell(line):
    sys.stdout.write(json.dumps(line) + '\n')
    sys.stdout.flush()


def shown(value):
    if value is None:
        return None
    value = bytes(value)
    try:
        return value.decode('utf-8')
    except UnicodeDecodeError:
        return '\\x' + value.hex()


def value_of(value):
    return bytes.fromhex(value['hex']) if isinstance(value, dict) else value


def diagnosis(diag):
    return {name: getattr(diag, name) for name in FIELDS}


def percent(text, values):
    """psycopg writes parameters as %s: the protocol's $1 becomes a name."""
    if not values:
        return text, None
    text = re.sub(r'\$(\d+)(?![\w$])', r'%(p\1)s', text.replace('%', '%%'))
    return text, {'p%d' % (index + 1): value_of(value) for index, value in enumerate(values)}


class Session:
    def __init__(self, place):
        self.place = place
        self.notices = []
        self.notifies = []
        self.connection = psycopg.connect(
            host=place['host'], port=place['port'], dbname=place['database'], user=place['user'],
            password=place['password'], sslmode='verify-full', sslrootcert=place['caFile'], autocommit=True)
        self.connection.prepare_threshold = None
        self.connection.add_notice_handler(lambda diag: self.notices.append(diagnosis(diag)))
        self.connection.add_notify_handler(lambda notify: self.notifies.append([notify.channel, notify.payload]))
        self.second = None

    def other(self):
        if self.second is None:
            self.second = Session(self.place)
        return self.second

    def settings(self):
        return {name: self.connection.info.parameter_status(name) for name in PARAMETERS}

    def traced(self, step):
        source = self.other() if step['verb'] == 'other' else self
        source.notices.clear()
        before = source.settings()
        seen, outcomes = [], []
        try:
            for result in source.perform(step):
                seen.append(result)
                outcomes.append(outcome_of(result))
        except psycopg.Error as error:
            diag = diagnosis(error.diag)
            seen.append({'error': diag, 'words': None if diag['sqlstate'] else str(error)})
            outcomes.append(outcome_of({'error': diag}))
        after = source.settings()
        changed = {name: value for name, value in after.items() if before[name] != value}
        state = source.connection.info.transaction_status.name
        return {'outcomes': outcomes, 'seen': [seen, list(source.notices), changed, state]}

    def perform(self, step):
        verb = step['verb']
        if verb in ('query', 'other'):
            return self.execute(step['text'], [])
        if verb == 'bind':
            return self.execute(step['text'], step['values'], binary=None)
        if verb == 'binary':
            return self.execute(step['text'], step['values'], binary=True)
        if verb == 'prepared':
            return self.execute(step['text'], step['values'], prepare=True)
        return getattr(self, verb.replace('-', '_'))(step)

    def execute(self, text, values, binary=False, prepare=None):
        text, named = percent(text, values)
        with self.connection.cursor(binary=bool(binary)) as cursor:
            cursor.execute(text.encode(), named, prepare=prepare)
            return results_of(cursor)

    def cursor(self, step):
        text, named = percent(step['text'], step['values'])
        results = []
        with self.connection.cursor(name='batches') as cursor:
            cursor.execute(text.encode(), named)
            while True:
                rows = cursor.fetchmany(step['count'])
                results.append({'rows': [[None if value is None else str(value) for value in row] for row in rows]})
                if len(rows) < step['count']:
                    return results

    def pipeline(self, step):
        results = []
        failed = None
        try:
            with self.connection.pipeline():
                cursors = []
                for statement in step['statements']:
                    text, named = percent(statement['text'], statement['values'])
                    cursor = self.connection.cursor()
                    cursors.append(cursor)
                    try:
                        cursor.execute(text.encode(), named)
                    except psycopg.Error as error:
                        failed = failed or error
        except psycopg.Error as error:
            failed = failed or error
        for cursor in cursors:
            if cursor.pgresult is not None:
                results.extend(results_of(cursor))
        if failed is not None:
            diag = diagnosis(failed.diag)
            results.append({'error': diag})
        return results

    def copy_in(self, step):
        with self.connection.cursor() as cursor:
            with cursor.copy(step['text'].encode()) as copy:
                if step['input']:
                    copy.write(bytes.fromhex(step['input']))
            return [{'command': cursor.statusmessage}]

    def copy_out(self, step):
        with self.connection.cursor() as cursor:
            pieces = []
            with cursor.copy(step['text'].encode()) as copy:
                for piece in copy:
                    pieces.append(bytes(piece))
            return [{'command': cursor.statusmessage, 'text': shown(b''.join(pieces))}]

    def cancel(self, step):
        results, errors = [], []

        def run():
            try:
                results.extend(self.execute(step['text'], []))
            except psycopg.Error as error:
                errors.append(error)

        running = threading.Thread(target=run)
        running.start()
        tell({'running': step['text']})
        sys.stdin.readline()
        self.connection.cancel()
        running.join()
        if errors:
            raise errors[0]
        return results

    def notified(self, step):
        deadline = time.monotonic() + 5
        while len(self.notifies) < step['count'] and time.monotonic() < deadline:
            # A statement without an answer makes libpq look at what has come.
            self.connection.execute(b'')
        taken, self.notifies[:] = self.notifies[:step['count']], self.notifies[step['count']:]
        return [{'notifies': taken}]

    def close(self):
        if self.second is not None:
            self.second.close()
        self.connection.close()


def outcome_of(result):
    if 'error' in result:
        diag = result['error']
        return {'error': {'code': diag['sqlstate'] or '', 'hint': diag['message_hint'] or ''}}
    return {'rows': result['rows']} if 'rows' in result else {}


def results_of(cursor):
    results = []
    while True:
        result = cursor.pgresult
        fields = [{'name': shown(result.fname(index)), 'type': result.ftype(index), 'table': result.ftable(index),
                   'more': [result.fmod(index), result.fsize(index), result.fformat(index), result.ftablecol(index)]}
                  for index in range(result.nfields)]
        rows = [[shown(result.get_value(row, column)) for column in range(result.nfields)]
                for row in range(result.ntuples)]
        results.append({'status': result.status, 'command': cursor.statusmessage, 'count': cursor.rowcount,
                        'fields': fields, 'rows': rows})
        if not cursor.nextset():
            return results


def tidied(session, texts):
    """The session as new, or None."""
    try:
        for text in texts:
            session.connection.execute(text.encode())
        return session if texts else None
    except psycopg.Error:
        return None


def main():
    kept = None
    for line in sys.stdin:
        job = json.loads(line)
        session = kept or Session(job['place'])
        kept = None
        try:
            trace = [session.traced(step) for step in job['steps']]
            kept = tidied(session, job['tidyUp'])
        finally:
            if kept is None:
                session.close()
        tell({'trace': trace})


main()
