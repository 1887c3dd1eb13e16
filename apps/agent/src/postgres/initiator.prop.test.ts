// whatever a client says of initiators, in whatever order, on one connection: nothing runs for somebody for whom it was
// not said, prepared or not, and it makes no difference how far the client runs ahead of the target's answers.
import type { BackendMessage, FrontendMessage, TransactionStatus } from '@sallyport/wire/postgres/messages'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toyGate } from '../../test/toy-gate.ts'
import type { Judgement, JudgeRequest } from '../session/gate.ts'
import { pastInitiator } from '../session/initiator.ts'
import { type Action, createMachine } from './machine.ts'

const runs = process.env['SALLYPORT_TEST'] === 'full' ? 20_000 : 600

type Who = 'ann' | 'bob'
/** What a client does next. Texts are numbered, so that each is told from all others. */
type Move =
  | { readonly do: 'query'; readonly text: Text; readonly comment: Who | null }
  | { readonly do: 'set'; readonly who: Who | null; readonly forged: boolean }
  | { readonly do: 'prepare'; readonly text: Text; readonly comment: Who | null }
  | { readonly do: 'run'; readonly nth: number }
  | { readonly do: 'set-by-parameter'; readonly who: Who | null; readonly forged: boolean }
  | { readonly do: 'sync' }
type Text = 'begin' | 'commit' | 'rollback' | 'select' | 'denied' | 'fails' | 'commit; begin'

const who = fc.constantFrom<Who>('ann', 'bob')
const maybe = fc.option(who)
const text = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Text>('select') },
  { weight: 3, arbitrary: fc.constantFrom<Text>('begin', 'commit', 'rollback') },
  { weight: 1, arbitrary: fc.constantFrom<Text>('denied', 'fails', 'commit; begin') },
)
const single = text.map((one) => (one === 'commit; begin' ? 'commit' : one))
const forged = fc.nat(9).map((n) => n === 0)
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('query' as const), text, comment: maybe }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('set' as const), who: maybe, forged }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('set-by-parameter' as const), who: maybe, forged }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('prepare' as const), text: single, comment: maybe }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('run' as const), nth: fc.nat(5) }) },
  { weight: 5, arbitrary: fc.constant<Move>({ do: 'sync' }) },
)
const moves = fc.array(move, { maxLength: 40 })
/** After which of its messages the client waits for all answers. */
const waits = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 })

const comment = (said: Who | null): string => (said === null ? '' : ` /*sallyport='${said}'*/`)

function messagesOf(all: readonly Move[]): FrontendMessage[] {
  const out: FrontendMessage[] = []
  let prepared = 0
  const setConfig = "select set_config('sallyport.initiator', $1, true)"
  const bind = (statement: string, parameters: readonly (Uint8Array | null)[]): void => {
    out.push({ type: 'bind', portal: '', statement, parameterFormats: [], parameters, resultFormats: [] })
    out.push({ type: 'execute', portal: '', rowsMax: 0 })
  }
  all.forEach((one, at) => {
    const token = 'who' in one ? (one.forged ? 'forged' : one.who) : null
    if (one.do === 'query') out.push({ type: 'query', text: numbered(one.text, at) + comment(one.comment) })
    else if (one.do === 'set') out.push({ type: 'query', text: `SET sallyport.initiator = '${token ?? ''}'` })
    else if (one.do === 'prepare') {
      const name = `s${prepared++}`
      out.push({ type: 'parse', name, text: numbered(one.text, at) + comment(one.comment), parameterTypes: [] })
    } else if (one.do === 'run') {
      if (prepared > 0) bind(`s${one.nth % prepared}`, [])
    } else if (one.do === 'set-by-parameter') {
      out.push({ type: 'parse', name: '', text: setConfig, parameterTypes: [] })
      bind('', [token === null ? null : new TextEncoder().encode(token)])
    } else out.push({ type: 'sync' })
  })
  return [...out, { type: 'sync' }]
}
const numbered = (one: Text, at: number): string => (/^(select|denied|fails)$/.test(one) ? `${one} n${at}` : one)

/** A target that answers as PostgreSQL does: transactions, failed ones, and nothing but Sync after an error. */
function target() {
  let status: TransactionStatus = 'I'
  let isSkipping = false
  const texts = new Map<string, string>()
  const portals = new Map<string, string>()
  const failed = (): readonly BackendMessage[] => {
    if (status === 'T') status = 'E'
    return [
      {
        type: 'errorResponse',
        fields: [
          ['S', 'ERROR'],
          ['V', 'ERROR'],
          ['C', '42601'],
          ['M', 'no'],
        ],
      },
    ]
  }
  const run = (one: string): readonly BackendMessage[] => {
    const isEnd = one === 'commit' || one === 'rollback'
    if (/^(refused by sallyport|fails)/.test(one) || (status === 'E' && !isEnd)) return failed()
    if (one === 'begin') status = 'T'
    else if (isEnd) status = 'I'
    return [{ type: 'commandComplete', tag: 'OK' }]
  }
  return (message: FrontendMessage): readonly BackendMessage[] => {
    if (message.type === 'sync') {
      isSkipping = false
      return [{ type: 'readyForQuery', status }]
    }
    if (isSkipping) return []
    if (message.type === 'query') {
      const answers: BackendMessage[] = []
      for (const one of message.text.split('; ')) {
        answers.push(...run(one))
        if (answers.at(-1)?.type === 'errorResponse') break
      }
      return [...answers, { type: 'readyForQuery', status }]
    }
    const answers = extended(message)
    isSkipping = answers[0]?.type === 'errorResponse'
    return answers
  }
  function extended(message: FrontendMessage): readonly BackendMessage[] {
    if (message.type === 'parse') {
      const isAsking = message.name.startsWith('_sallyport_path')
      if (
        message.text === 'refused by sallyport' ||
        (status === 'E' && !isAsking && !/^(commit|rollback)$/.test(message.text))
      )
        return failed()
      texts.set(message.name, message.text)
      return [{ type: 'parseComplete' }]
    }
    if (message.type === 'bind') {
      portals.set(message.portal, texts.get(message.statement) ?? '')
      return [{ type: 'bindComplete' }]
    }
    if (message.type === 'close') return [{ type: 'closeComplete' }]
    if (message.type === 'describe') return [{ type: 'noData' }]
    if (message.type !== 'execute') return []
    if (message.portal !== '_sallyport_path') return run(portals.get(message.portal) ?? '')
    const path = new TextEncoder().encode('[["pg_catalog","public"],"public","app","on","UTF8"]')
    return [
      { type: 'dataRow', values: [path] },
      { type: 'commandComplete', tag: 'SELECT 1' },
    ]
  }
}

type Event =
  | { readonly what: 'judged'; readonly text: string; readonly who: string; readonly isAllowed: boolean }
  | { readonly what: 'prepared'; readonly text: string; readonly isAllowed: boolean }
  | { readonly what: 'ready'; readonly status: TransactionStatus }

const isClients = (message: FrontendMessage): boolean =>
  message.type === 'query'
    ? message.text !== 'refused by sallyport'
    : !('portal' in message && message.portal === '_sallyport_path')

/** What was judged to run, and for whom, when the client waits at these places. */
function play(messages: readonly FrontendMessage[], isWaiting: (at: number) => boolean) {
  const machine = createMachine({ serverVersion: 180_004, hash: () => new Uint8Array(32) })
  const gate = toyGate(false)
  const answer = target()
  const due: { readonly message: FrontendMessage; readonly judged: Event | undefined }[] = []
  const ran: Event[] = []
  const waiting: FrontendMessage[] = []
  const events: Event[] = []
  const forwarded: string[] = []
  const judge = (request: JudgeRequest): Judgement => {
    const { initiator } = request
    const said = typeof initiator === 'object' ? initiator.value.reveal() : initiator
    const isBad = said === 'past' || said === 'forged'
    const judgement: Judgement = isBad
      ? { kind: 'refused', error: pastInitiator(), position: null }
      : gate.judge(request)
    const isAllowed = judgement.kind === 'allowed'
    if (request.moment === 'query' || request.moment === 'run')
      events.push({ what: 'judged', text: request.text, who: said ?? 'nobody', isAllowed })
    if (request.moment === 'parse') events.push({ what: 'prepared', text: request.text, isAllowed })
    return judgement
  }
  const perform = (actions: readonly Action[]): void => {
    for (const action of actions) {
      if (action.do === 'forward') {
        forwarded.push(
          JSON.stringify(action.message, (_, value) =>
            value instanceof Uint8Array ? Buffer.from(value).toString() : value,
          ),
        )
        const isRun =
          (action.message.type === 'query' || action.message.type === 'execute') && isClients(action.message)
        due.push({
          message: action.message,
          judged: isRun ? events.findLast(({ what }) => what === 'judged') : undefined,
        })
      } else if (action.do === 'send' && action.message.type === 'readyForQuery')
        events.push({ what: 'ready', status: action.message.status })
      else if (action.do === 'judge') perform(machine.step({ from: 'gate', judgement: judge(action.request) }))
      else if (action.do === 'close') throw new Error(`closed: ${action.reason}`)
    }
  }
  const take = (): void => {
    while (machine.wantsClient && waiting.length > 0)
      perform(machine.step({ from: 'client', message: waiting.shift()! }))
  }
  const settle = (): void => {
    for (let next = due.shift(); next !== undefined; next = due.shift()) {
      const answers = answer(next.message)
      if (next.judged !== undefined && answers[0]?.type === 'commandComplete') ran.push(next.judged)
      for (const message of answers) perform(machine.step({ from: 'target', message }))
      take()
    }
  }
  perform(machine.start())
  settle()
  messages.forEach((message, at) => {
    waiting.push(message)
    take()
    if (isWaiting(at)) settle()
  })
  settle()
  expect(waiting).toEqual([])
  return { events, forwarded, ran }
}

/** For whom each text may run, told again from what was said and how transactions went, step by step. */
function expectRight(all: readonly Move[], events: readonly Event[]): void {
  const saidWith = new Map<string, Who | null>()
  all.forEach((one, at) => {
    if ((one.do === 'query' || one.do === 'prepare') && !/^(begin|commit|rollback)/.test(one.text))
      saidWith.set(numbered(one.text, at), one.comment)
  })
  const queried = new Set(all.flatMap((one, at) => (one.do === 'query' ? [numbered(one.text, at)] : [])))
  const preparedIn = new Map<string, number>()
  let scope = 0
  let hasFailed = false
  // COMMIT and ROLLBACK end what counts; in what has failed after them nobody is said.
  let wasEnded = false
  let force: { who: string; place: 'new' | 'inside' | 'outside'; used: boolean } | null = null
  for (const event of events) {
    if (event.what === 'prepared') preparedIn.set(event.text, scope)
    else if (event.what === 'ready') {
      const isOpen = event.status !== 'I'
      hasFailed = event.status === 'E'
      if (force?.place === 'new') force.place = isOpen ? 'inside' : 'outside'
      if (force !== null && (force.place === 'inside' ? !isOpen : force.used)) force = null
      if (!isOpen) scope += 1
      if (wasEnded && hasFailed && force === null) force = { who: 'past', place: 'inside', used: false }
      wasEnded = false
    } else if (hasFailed && event.isAllowed && /initiator/.test(event.text)) scope += 1
    else if (/initiator/.test(event.text)) {
      // SET itself: what it says is looked at, or it takes back what was said.
      force = event.isAllowed
        ? event.who === 'nobody'
          ? null
          : { who: event.who, place: 'new', used: false }
        : { who: 'past', place: 'new', used: false }
      scope += 1
    } else {
      const isNumbered = saidWith.has(event.text)
      const own = saidWith.get(event.text) ?? null
      const isOwn: boolean = own !== null && (queried.has(event.text) || preparedIn.get(event.text) === scope)
      const right: string = isOwn ? String(own) : (force?.who ?? (own === null ? 'nobody' : 'past'))
      if (isNumbered) expect(event.who, event.text).toBe(right)
      if (force !== null) force.used = true
      if (event.isAllowed && /commit|rollback/.test(event.text)) {
        wasEnded ||= force !== null
        force = null
        scope += 1
      }
    }
  }
}

/** Found once. */
const chained: Move[] = [
  { do: 'prepare', text: 'select', comment: 'ann' },
  { do: 'query', text: 'commit; begin', comment: null },
  { do: 'run', nth: 0 },
]
const skipped: Move[] = [
  { do: 'prepare', text: 'fails', comment: null },
  { do: 'run', nth: 0 },
  { do: 'set-by-parameter', who: 'ann', forged: false },
  { do: 'sync' },
  { do: 'query', text: 'select', comment: null },
]

const skippedSecond: Move[] = [
  { do: 'prepare', text: 'fails', comment: null },
  { do: 'set-by-parameter', who: 'ann', forged: false },
  { do: 'run', nth: 0 },
  { do: 'set-by-parameter', who: 'bob', forged: false },
  { do: 'sync' },
  { do: 'query', text: 'select', comment: null },
]

describe('initiators on one connection', () => {
  it('what follows the end of a failed transaction in its text is for whom the text says', () => {
    const texts = ['begin', 'denied n1', `rollback; select n2${comment('ann')}`]
    const messages = texts.map((one): FrontendMessage => ({ type: 'query', text: one }))
    expect(play(messages, () => true).events).toContainEqual({
      what: 'judged',
      text: 'rollback; select n2',
      who: 'ann',
      isAllowed: true,
    })
  })

  it('each statement runs for whom it was said at that moment', () => {
    fc.assert(
      fc.property(moves, (all) => {
        const { events, forwarded } = play(messagesOf(all), () => true)
        expectRight(all, events)
        for (const message of forwarded) expect(message).not.toMatch(/ann|bob|forged/)
      }),
      { numRuns: runs, examples: [[chained]] },
    )
  })

  it('however far the client runs ahead', () => {
    fc.assert(
      fc.property(moves, waits, (all, places) => {
        // One that is refused is refused at once, while the target may have failed before: then it skips more.
        const messages = messagesOf(all.map((one) => ('who' in one ? { ...one, forged: false } : one)))
        const slow = play(messages, () => true)
        const fast = play(messages, (at) => places[at % places.length] === true)
        // The end of a failed transaction is let through for whoever asks, once it is known to have failed.
        const numberedOnly = (ran: readonly Event[]) => ran.filter((one) => 'text' in one && / n\d/.test(one.text))
        expect(numberedOnly(fast.ran)).toEqual(numberedOnly(slow.ran))
      }),
      {
        numRuns: runs,
        examples: [
          [skipped, [false]],
          [skippedSecond, [false]],
        ],
      },
    )
  })
})
