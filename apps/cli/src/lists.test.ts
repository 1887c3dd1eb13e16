// A list without anything says so on stderr, with the command to type next, and prints nothing on stdout; what it names is there.
import { expect, test } from 'vitest'
import { loginFile, makeWorld, runIn, storedLogin } from '../test/world.ts'

function answering(answer: unknown) {
  const world = makeWorld({ fetch: async () => Response.json(answer) })
  world.stored.set(loginFile, storedLogin('https://sp.example'))
  return world
}

const none = { items: [], next: null }
const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
interface List {
  readonly command: string
  readonly says: RegExp
  readonly answer?: unknown
}

const list = (command: string, says: RegExp, answer: unknown = none): List => ({ command, says, answer })
const lists: readonly List[] = [
  list('targets', /no target is open .*sallyport request$/),
  list('ticket list', /sallyport ticket TARGET$/),
  list('service-account list', /sallyport service-account create NAME$/),
  list('approvals list', /nothing waits; .*sallyport approvals list --decided$/),
  list('approvals list --decided', /nothing is decided yet; .*sallyport approvals list$/),
  list('approvals list --target shop', /nothing fits; .*sallyport approvals list$/),
  list('approvals list --caller ann --decided', /nothing fits; .*sallyport approvals list --decided$/),
  list('approvals mine', /asked for nothing yet; .*sallyport query TARGET SQL$/),
  list('request', /nothing that you may ask for; an administrator applies a policy/),
  list('grants list', /no grant waits for a decision; .*sallyport request$/),
  list('grants list --view live', /nothing is granted now; .*sallyport request$/),
  list('grants list --view past', /no grant is over yet; .*sallyport request$/),
  list('grants list --view all', /no grant that you may see; .*sallyport request$/),
  list('grants list --view mine', /asked for no grant yet; .*sallyport request$/),
  list('sessions list', /no session is recorded yet; .*sallyport query TARGET SQL$/),
  list('sessions list --decision denied', /fits; see all with: sallyport sessions list$/),
  list(`sessions timeline ${trace}`, /nothing of this trace .*sallyport sessions list$/, {
    trace,
    items: [],
    cut: false,
  }),
  list('agent list', /sallyport agent join NAME$/),
  // Nothing is to be done about it.
  list('mcp quarantine list', /no agent has seen a tool/, { items: [], more: 0 }),
]

test.each(lists)('$command', async ({ command, says, answer }) => {
  const ran = await runIn(answering(answer), ...command.split(' '))
  expect(ran).toMatchObject({ status: 0, stdout: '' })
  expect(ran.stderr.trimEnd()).toMatch(says)
  const named = /sallyport ([a-z -]+)/.exec(ran.stderr)?.[1]?.trim() ?? ''
  expect(await runIn(makeWorld(), ...named.split(' '), '--help')).toMatchObject({ status: 0 })
  expect(await runIn(answering(answer), '--quiet', ...command.split(' '))).toMatchObject({ stdout: '', stderr: '' })
})

test('every command that lists is among them', async () => {
  const words = async (...above: string[]): Promise<string[]> => {
    const { stdout } = await runIn(makeWorld(), ...above, '--help')
    const commands = stdout.split('\nCommands:\n')[1]?.split('\n\n')[0] ?? ''
    return [...commands.matchAll(/^ {2}([a-z-]+)/gm)].flatMap(([, word]) => (word === undefined ? [] : [word]))
  }
  const found: string[] = []
  const look = async (...above: string[]): Promise<void> => {
    for (const word of await words(...above)) {
      if (word === 'list') found.push([...above, word].join(' '))
      else if (word !== 'help') await look(...above, word)
    }
  }
  await look()
  expect(found.filter((command) => !lists.some((one) => one.command === command))).toEqual([])
  expect(found.length).toBeGreaterThan(6)
})

const rule = { target: 'shop', targetLabels: {}, roles: ['app_rw'], policy: 'shop-access', rule: 'mend-products' }
const scope = { operations: ['update'], objects: ['public.products'], when: null, during: null, message: '' }
const grantable = { ...rule, ...scope, reviewers: [{ group: 'dba', count: 1 }] }

test.each([
  [14_400, 'required', 'sallyport request shop shop-access/mend-products --for 1h --reason "why"'],
  [1_800, 'optional', 'sallyport request shop shop-access/mend-products --for 30m'],
])(
  'what may be asked for comes with the command for it: %d s, a reason is %s',
  async (longestSeconds, reason, says) => {
    const world = answering({ items: [{ ...grantable, longestSeconds, reason }] })
    const ran = await runIn(world, 'request')
    expect(ran.stdout).toContain('shop-access/mend-products\tupdate on public.products')
    expect(ran.stderr).toBe(`ask with, for example: ${says}\n`)
    const elsewhere = await runIn(world, 'request', 'other')
    expect(elsewhere).toMatchObject({ status: 0, stdout: '' })
    expect(elsewhere.stderr).toContain('see all with: sallyport request\n')
  },
)
