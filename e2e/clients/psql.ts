// psql: what a person types, and the queries that its backslash commands and its tab completion send by themselves.
import assert from 'node:assert'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import type { Place } from '../differential/driver.ts'
import { type Client, cannot, reportOf } from './report.ts'
import { environmentOf, type Printed, runTool } from './tools.ts'

const flags = ['-X', '-q', '-A', '-t', '-v', 'VERBOSITY=verbose']

const run = (place: Place, input: string): Promise<Printed> => runTool('psql', flags, place, input)

async function prints(place: Place, input: string, expected: string): Promise<void> {
  const { stdout, stderr } = await run(place, input)
  assert.equal(stdout.trim(), expected, stderr)
}

async function fails(place: Place, input: string, expected: RegExp): Promise<void> {
  const { stderr } = await run(place, input)
  assert.match(stderr, expected)
}

export const psql: Client = (place) =>
  reportOf({
    'types in text': () =>
      prints(
        place,
        'SELECT i4, n, t, b, bo, d, iv, jb, ia FROM typed WHERE id = 1;',
        '2|123.4500|text|\\x00ff10|t|2024-02-29|1 year 2 mons 3 days 04:05:06.7|{"b": [1, 2]}|{1,NULL,3}',
      ),
    'types in binary': cannot('it reads results as text only'),
    transactions: () =>
      prints(
        place,
        `BEGIN; INSERT INTO notes VALUES (660, 1, 'undone', NULL, NULL); ROLLBACK;
         \\set ON_ERROR_ROLLBACK on
         BEGIN; INSERT INTO notes VALUES (661, 1, 'kept', NULL, NULL);
         INSERT INTO notes VALUES (661, 1, 'twice', NULL, NULL);
         COMMIT;
         SELECT id FROM notes WHERE id IN (660, 661);`,
        '661',
      ),
    errors: async () => {
      await fails(
        place,
        "INSERT INTO items (name, price) VALUES ('pen', 1);",
        /ERROR: {2}23505: .*\nDETAIL: {2}Key \(name\)=\(pen\)/s,
      )
      await fails(place, 'SELEC 1;', /42601: syntax error.*\nLINE 1: SELEC 1;\n {8}\^/s)
    },
    COPY: () =>
      prints(
        place,
        '\\copy notes (id, person, body) FROM stdin\n670\t1\ta\n671\t1\tb\n\\.\n\\copy (SELECT id FROM notes WHERE id IN (670, 671) ORDER BY id) TO stdout\n',
        '670\n671',
      ),
    cursors: () =>
      prints(place, '\\set FETCH_COUNT 100\n\\o /dev/null\nSELECT id FROM big;\n\\o\n\\echo :ROW_COUNT', '3000'),
    cancel: () => interrupt(place),
    notifications: async () => {
      const { stdout } = await run(place, "LISTEN psql; NOTIFY psql, 'heard';")
      assert.match(stdout, /Asynchronous notification "psql" with payload "heard" received/)
    },
    'large results': () => prints(place, '\\o |md5sum\nSELECT id, pad FROM big ORDER BY id;', bigDigest),
    '1,000 pipelined statements': async () => {
      const text = Array.from({ length: 1_000 }, (_, index) => `SELECT ${index};`).join('\n')
      const { stdout } = await run(place, text)
      assert.deepEqual(
        stdout.trim().split('\n').map(Number),
        Array.from({ length: 1_000 }, (_, index) => index),
      )
      await cannot('this version has no pipelines; 1,000 statements one after another pass')()
    },
    masks: () => prints(place, 'SELECT email FROM people WHERE id = 1; TABLE contacts;', masked),
    'the deny rule': () => fails(place, 'SELECT * FROM vault;', /42501: .*POLICY_DENIED/s),
  })

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

/** Of the table's lines, as md5sum prints it. */
const bigDigest = `${md5(Array.from({ length: 3_000 }, (_, index) => `${index + 1}|${md5(String(index + 1)).repeat(8)}\n`).join(''))}  -`

const masked = ['***@example.test', '1|***@example.test', '2|***@example.test', '3|', '4|***@mail.test'].join('\n')

/** What Ctrl-C does. */
async function interrupt(place: Place): Promise<void> {
  const child = spawn('psql', [...flags, '-c', 'SELECT pg_sleep(60)'], { env: environmentOf(place) })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  await place.running('SELECT pg_sleep(60)')
  child.kill('SIGINT')
  await new Promise((resolve) => child.once('close', resolve))
  assert.match(stderr, /57014: canceling statement due to user request/)
}

/** Each is typed as it is; what is printed has to be what a direct connection prints. */
export const backslashCommands: readonly string[] = String.raw`
\d · \d people · \d+ items · \d names · \d+ names · \d tickets · \d notes_pkey · \d readings · \d+ readings_low · \d bookings
\dt · \dt+ public.* · \di · \dv · \ds · \dm · \dE · \dn · \dn+ · \df · \df+ add_up · \da sum · \do = · \dT · \dT+ mood · \dD
\dC int4 · \dx · \du · \dg · \db · \dc · \dO · \dp people · \ddp · \dL · \dy · \des · \dew · \det · \deu · \dF · \dFd
\dFp · \dFt · \dAc · \dAf · \dAo · \dRp · \dRs · \dX · \dP · \dd · \dl · \sf add_up · \sv names · \encoding · \z people
\dconfig work_mem · \drds`
  .split(/ · |\n/)
  .filter((command) => command !== '')
