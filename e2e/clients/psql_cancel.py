# psql as a person has it, in a terminal of its own: runs the statement that comes as JSON on the first line of stdin, says
# `typed`, presses Ctrl-C when the second line comes, then asks for something else. All that was on the screen goes out.
import json
import os
import pty
import select
import sys
import time

statement = json.loads(sys.stdin.readline())
child, terminal = pty.fork()
if child == 0:
    os.environ.update({'TERM': 'dumb', 'INPUTRC': '/dev/null', 'PSQL_PAGER': 'cat'})
    os.execvp('psql', ['psql', '-X', '-q', '-A', '-t', '-v', 'PROMPT1=ready> ', '-v', 'PROMPT2=more> '])

shown = ''


def read_until(wanted, seconds=60):
    global shown
    start = len(shown)
    deadline = time.monotonic() + seconds
    while wanted not in shown[start:] and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.05)[0]:
            shown += os.read(terminal, 65536).decode('utf-8', 'replace')


read_until('ready> ')
os.write(terminal, statement.encode() + b'\r')
print('typed', flush=True)
sys.stdin.readline()
os.write(terminal, b'\x03')
read_until('ready> ')
os.write(terminal, b"SELECT 'still' || '-here';\r")
read_until('still-here')
os.write(terminal, b'\\q\r')
os.waitpid(child, 0)
print(json.dumps(shown))
