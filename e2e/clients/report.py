# What the Python clients have in common: the place to connect to comes as JSON on stdin, and one line of JSON goes out with
# what became of each capability. A client that cannot do a thing says so; nothing is left out in silence.
import json
import sys
import threading
import traceback

place = json.load(sys.stdin)


class Cannot(Exception):
    pass


def keywords(database='dbname'):
    return {'host': place['host'], 'port': place['port'], database: place['database'], 'user': place['user'],
            'password': place['password'], 'sslmode': 'verify-full', 'sslrootcert': place['caFile']}


def cancelled(run, cancel):
    """Runs until a cancel hits; gives what was raised."""
    raised = []

    def work():
        try:
            run()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    # A cancel that comes before the statement runs does nothing, so it is sent again.
    while thread.is_alive():
        cancel()
        thread.join(0.1)
    assert raised, 'the statement ended by itself'
    return raised[0]


def raised(kind, run):
    try:
        run()
    except kind as error:
        return error
    raise AssertionError('nothing was raised')


def report(capabilities):
    outcomes = {}
    for name, run in capabilities.items():
        try:
            run()
            outcomes[name] = 'done'
        except Cannot as reason:
            outcomes[name] = 'cannot: %s' % reason
        except Exception:
            outcomes[name] = 'failed: ' + traceback.format_exc()
    print(json.dumps(outcomes))
