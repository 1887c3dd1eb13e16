# psql's tab completion as a person has it, in a terminal of its own: types a beginning and the tab key, and tells what is
# on the line then. The beginnings come as JSON on stdin, the lines go out as JSON.
import json
import os
import pty
import re
import select
import sys
import time

beginnings = json.load(sys.stdin)
child, terminal = pty.fork()
if child == 0:
    os.environ.update({'TERM': 'dumb', 'INPUTRC': '/dev/null', 'PSQL_PAGER': 'cat'})
    os.execvp('psql', ['psql', '-X', '-q', '-v', 'PROMPT1=ready> ', '-v', 'PROMPT2=more> '])


def read_until(found, seconds):
    text = ''
    deadline = time.monotonic() + seconds
    while not found(text) and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.05)[0]:
            text += os.read(terminal, 65536).decode('utf-8', 'replace')
    return text


read_until(lambda text: 'ready> ' in text, 15)
lines = {}
for beginning, wanted in beginnings:
    # Ctrl-U empties the line; the bell or more text says that the completion has been looked up.
    os.write(terminal, b'\x15' + beginning.encode() + b'\t\t')
    shown = read_until(lambda text: wanted in re.sub(r'[\x07\x08]', '', text), 10)
    lines[beginning] = re.sub(r'[\x07\x08]', '', shown)
    os.write(terminal, b'\x15')
    os.write(terminal, b"\\echo next\r")
    read_until(lambda text: 'next' in text and text.rstrip().endswith('ready>'), 5)
os.write(terminal, b'\x15\\q\r')
os.waitpid(child, 0)
print(json.dumps(lines))
