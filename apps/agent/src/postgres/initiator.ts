// For whom statements of a session run, as its client says it, and for how long (DESIGN §3): what was SET lasts to the end of
// the transaction, else for the next Query or batch that runs something; a comment counts for its own text, and for what
// was prepared with it in the same transaction or batch. Pure; the gate verifies what was said.
// INVARIANT: what ran out is gone before the next message is judged, so that nothing runs for whom it was not said.
import { Secret } from '@sallyport/base/secret'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { FrontendMessage, TransactionStatus } from '@sallyport/wire/postgres/messages'
import type { JudgedStatement } from '../session/gate.ts'
import { claimPrefix, type Said } from '../session/initiator.ts'
import { type InitiatorText, readInitiator } from './initiator-text.ts'
import type { Portal, Prepared, State } from './state.ts'

/** What was SET, while it counts. */
interface InForce {
  /** Null: nobody. `past`: what was to be set was refused, and what counted before was meant to end. */
  readonly said: Said | 'past' | null
  /** Until the first ReadyForQuery after it nobody knows whether a transaction is open. */
  place: 'unknown' | 'transaction' | 'outside'
  /** Something was judged under it. */
  isUsed: boolean
  /** The target has answered to it: before, it may be skipped with the rest of a batch that fails. */
  isAnswered: boolean
  /** What it took the place of, should it be skipped; null once it is answered. */
  before: InForce | null
}

/** What a message says by itself. */
type Own =
  | { readonly kind: 'comment'; readonly said: Said }
  | { readonly kind: 'set'; readonly said: Said | null }
  | { readonly kind: 'parameter' }
  | { readonly kind: 'misplaced'; readonly sets?: boolean }

export interface InitiatorState {
  inForce: InForce | null
  /** Grows with the end of each transaction or batch and with each SET: what was prepared for somebody before is past. */
  scope: number
  /** A Query was sent that ends a transaction, whatever is open after it. */
  isOver: boolean
  /** Something counted when a COMMIT or ROLLBACK was judged, which the target may skip. */
  wasEnded: boolean
  /** By the message as the target may see it. */
  readonly own: WeakMap<FrontendMessage, Own>
  /** Statements whose text said for whom: what they PREPARE or DECLARE runs for nobody else by itself. */
  readonly forSomebody: WeakSet<JudgedStatement>
}

export const noInitiator = (): InitiatorState => ({
  inForce: null,
  scope: 0,
  isOver: false,
  wasEnded: false,
  own: new WeakMap(),
  forSomebody: new WeakSet(),
})

/** A prepared statement that sets the initiator: by its parameter, or by what stood in its text. */
export type Setting = { readonly by: 'parameter' } | { readonly by: 'text'; readonly value: Secret | null }

const saidBy = (value: string | null): Said | null => (value === null ? null : { value: new Secret(value) })

/** The message without what it says of the initiator, which is kept apart. */
export function withoutInitiator(state: State, message: FrontendMessage): FrontendMessage {
  switch (message.type) {
    case 'query': {
      const read = readInitiator(message.text)
      if (read.kind === 'none') return message
      // The function without its parameter is not known here: the target would say so of $1.
      if (read.kind === 'parameter') return kept(state, message, { kind: 'misplaced' })
      return kept(state, { ...message, text: textOf(read, message.text) }, ownOf(read))
    }
    case 'parse': {
      const read = readInitiator(message.text)
      if (read.kind === 'none') return message
      // The parameter stays, so that Bind and Describe are as the client expects; the text is its only use.
      const parameterTypes = read.kind === 'parameter' ? [textOid] : message.parameterTypes
      return kept(state, { ...message, text: textOf(read, message.text), parameterTypes }, ownOf(read))
    }
    case 'bind': {
      const setting = state.statements.get(message.statement)?.sets ?? null
      if (setting === null) return message
      if (setting.by === 'text') {
        const value = setting.value === null ? null : setting.value.reveal()
        return kept(state, { ...message }, { kind: 'set', said: saidBy(value) })
      }
      const [value = null] = message.parameters
      const text = value === null || value.length === 0 ? null : Buffer.from(value).toString('utf8')
      const parameters = message.parameters.map((each) => (each === null ? null : new Uint8Array(0)))
      return kept(state, { ...message, parameters }, { kind: 'set', said: saidBy(text) })
    }
    default:
      return message
  }
}

const textOid = 25

function kept(state: State, message: FrontendMessage, own: Own): FrontendMessage {
  state.initiator.own.set(message, own)
  return message
}

/** A text that says it in the wrong place goes no further, and is not kept. */
const textOf = (read: InitiatorText, text: string): string =>
  read.kind === 'none' ? text : read.kind === 'misplaced' ? '' : read.text

function ownOf(read: Exclude<InitiatorText, { kind: 'none' }>): Own {
  switch (read.kind) {
    case 'comment':
      return { kind: 'comment', said: { value: new Secret(read.value) } }
    case 'set':
      return { kind: 'set', said: saidBy(read.value) }
    case 'misplaced':
      return read
    default:
      return { kind: read.kind }
  }
}

export const isMisplaced = (state: State, message: FrontendMessage): boolean =>
  state.initiator.own.get(message)?.kind === 'misplaced'

/** What says it in the wrong place is refused: a SET takes back what was said before, a comment uses it up. */
export function noteMisplaced({ initiator }: State, message: FrontendMessage): void {
  const says = initiator.own.get(message)
  if (says?.kind === 'misplaced' && says.sets === true) set(initiator, 'past')
  else if (initiator.inForce !== null && message.type === 'query') initiator.inForce.isUsed = true
}

/** What a Parse leaves with its statement. */
export function preparedFor(state: State, message: FrontendMessage): Pick<Prepared, 'said' | 'sets'> {
  const { own, scope } = state.initiator
  const says = own.get(message)
  if (says?.kind === 'comment') return { said: { said: says.said, scope }, sets: null }
  if (says?.kind === 'parameter') return { said: null, sets: { by: 'parameter' } }
  if (says?.kind === 'set') return { said: null, sets: { by: 'text', value: says.said?.value ?? null } }
  return { said: null, sets: null }
}

/** What a Bind leaves with its portal: who is said when it is executed; undefined when it says nothing. */
export function boundFor(state: State, message: FrontendMessage): Said | null | undefined {
  const says = state.initiator.own.get(message)
  return says?.kind === 'set' ? says.said : undefined
}

/** For whom a message is judged; undefined: for the session's own chain. */
export function initiatorOf(
  state: State,
  message: FrontendMessage,
  text: string,
): Said | 'past' | 'conflict' | undefined {
  const said = saidFor(state, message, text)
  const { own, inForce } = state.initiator
  const isSet = own.get(message)?.kind === 'set' || said === undefined || said === 'past'
  // Whoever can put something at the end of a text may not get rid of the person that it is for.
  if (isSet || !isClaim(said) || inForce === null || inForce.said === null || inForce.said === 'past') return said
  return isClaim(inForce.said) ? said : 'conflict'
}

const isClaim = ({ value }: Said): boolean => value.reveal().startsWith(claimPrefix)

function saidFor(state: State, message: FrontendMessage, text: string): Said | 'past' | undefined {
  // However a token has ended meanwhile: there is a way out of every transaction. A text that does more is for whom it says.
  if (state.status === 'E' ? endsAll.test(text) : undoesAll.test(text)) return undefined
  const { own, inForce } = state.initiator
  const says = own.get(message)
  if (message.type === 'query' || message.type === 'parse') {
    if (says?.kind === 'comment') return says.said
    if (says?.kind === 'set' && message.type === 'query') return says.said ?? undefined
  }
  if (message.type === 'bind') return ofPrepared(state, state.statements.get(message.statement))
  if (message.type === 'execute') {
    const portal = state.portals.get(message.portal)
    if (portal?.sets !== undefined) return portal.sets ?? undefined
    return ofPrepared(state, portal?.statement)
  }
  return inForce?.said ?? undefined
}

// Only one way to read each space: texts of megabytes are held against these.
const undoesAll = /^\s*(rollback|abort)(\s+(work|transaction))?\s*(;\s*)?$/i
/** In a failed transaction COMMIT undoes it, too. */
const endsAll = /^\s*(commit|end|rollback|abort)(\s+(work|transaction))?\s*(;\s*)?$/i

function ofPrepared({ initiator }: State, statement: Prepared | null | undefined): Said | 'past' | undefined {
  const { inForce, scope } = initiator
  const said = statement?.said ?? null
  if (said === null) return inForce?.said ?? undefined
  if (said.scope === scope) return said.said
  return inForce?.said ?? 'past'
}

/** Whether what was said still counts is known only once the transaction's state is. */
export function awaitsReady(state: State, message: FrontendMessage): boolean {
  if (!concerns(state, message)) return false
  return state.expected.some(
    (due) => due.kind === 'query' || due.kind === 'sync' || (due.kind === 'refusal' && due.ready),
  )
}

function concerns({ initiator, statements, portals }: State, message: FrontendMessage): boolean {
  const isRun = message.type === 'query' || message.type === 'execute'
  if (initiator.inForce !== null && (isRun || message.type === 'parse' || message.type === 'bind')) return true
  switch (message.type) {
    // Before SET is sent it is known where it stands, and before a comment, where what is prepared with it will end.
    case 'query':
      return initiator.own.get(message)?.kind === 'set'
    case 'parse':
      return initiator.own.get(message)?.kind === 'comment'
    case 'bind':
      return (statements.get(message.statement)?.said ?? null) !== null
    case 'execute': {
      const portal = portals.get(message.portal)
      return portal?.sets !== undefined || (portal?.statement?.said ?? null) !== null
    }
    default:
      return false
  }
}

/** A text or portal was judged, to run or not to. */
export function noteJudged(
  state: State,
  message: FrontendMessage,
  statements: readonly JudgedStatement[],
  portal: Portal | undefined,
): void {
  const { initiator } = state
  if (initiator.own.get(message)?.kind === 'comment' || (portal?.statement?.said ?? null) !== null)
    for (const statement of statements) initiator.forSomebody.add(statement)
  const says = message.type === 'query' ? initiator.own.get(message) : undefined
  const sets = says?.kind === 'set' ? says.said : portal?.sets
  if (sets !== undefined) {
    set(initiator, statements.length > 0 ? sets : 'past')
    return
  }
  const { inForce } = initiator
  if (inForce !== null) inForce.isUsed = true
  if (!statements.some(endsTransaction)) return
  initiator.wasEnded ||= inForce !== null
  // In a batch the next message belongs to another transaction; a Query ends with a ReadyForQuery of its own.
  if (message.type === 'execute') end(initiator)
  else initiator.isOver = true
}

/** ROLLBACK TO leaves the transaction open, and what was said in it as it is. */
const endsTransaction = ({ facts }: JudgedStatement): boolean =>
  facts.session.some(
    (effect) => effect.kind === 'transaction' && (effect.verb === 'commit' || effect.verb === 'rollback'),
  )

function set(initiator: InitiatorState, said: Said | 'past' | null): void {
  const { inForce: before } = initiator
  end(initiator)
  // One that was refused is never skipped.
  const isAnswered = said === 'past'
  initiator.inForce = { said, place: 'unknown', isUsed: false, isAnswered, before }
}

export const setsInitiator = ({ session }: StatementFacts): boolean =>
  session.some((effect) => effect.kind === 'set' && effect.setting === 'sallyport.initiator')

/** SET has run at the target: by this portal, or by the Query that is due, behind which nothing else was sent. */
export function initiatorAnswered({ initiator: { inForce } }: State, portal: Portal | null): void {
  for (let set = inForce; set !== null; set = set.before) {
    if (portal !== null && set.said !== portal.sets) continue
    set.isAnswered = true
    set.before = null
    return
  }
}

function end(initiator: InitiatorState): void {
  initiator.inForce = null
  initiator.scope += 1
}

/** After a text or a batch, as the client is told. */
export function initiatorAtReady({ initiator }: State, status: TransactionStatus): void {
  const { isOver, wasEnded } = initiator
  initiator.isOver = false
  initiator.wasEnded = false
  while (initiator.inForce?.isAnswered === false) initiator.inForce = initiator.inForce.before
  const { inForce } = initiator
  const isOpen = status !== 'I'
  if (inForce?.place === 'unknown') inForce.place = isOpen ? 'transaction' : 'outside'
  const isPast = inForce !== null && (inForce.place === 'transaction' ? !isOpen : inForce.isUsed)
  if (isPast || isOver) end(initiator)
  else if (!isOpen) initiator.scope += 1
  // It may be the same transaction still, and ROLLBACK TO goes on in it: for nobody, until it is said again or over.
  if (wasEnded && status === 'E' && initiator.inForce === null)
    initiator.inForce = { said: 'past', place: 'transaction', isUsed: false, isAnswered: true, before: null }
}
