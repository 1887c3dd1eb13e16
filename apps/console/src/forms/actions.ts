// What administrators did, as sentences. Actions that this console does not know are shown as they are, never dropped.
import type { AdminAction } from '@sallyport/api/recordings'
import { paths } from '../util/paths.ts'

/** What an action is about: changes to what is permitted, looks at records, alarms, and the rest. */
export type ActionGroup = 'change' | 'read' | 'alarm' | 'other'

export interface ActionText {
  readonly group: ActionGroup
  /** Between the actor and the object: "applied version 4 of". */
  readonly verb: string
  /** After the object; "" when there is nothing to add. */
  readonly rest: string
}

const textAt = (action: AdminAction, name: string): string => {
  const value = action.detail[name]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

type Words = (action: AdminAction) => ActionText

const change = (verb: string, rest: Words | string = ''): Words => told('change', verb, rest)
const read = (verb: string): Words => told('read', verb, '')
function told(group: ActionGroup, verb: string, rest: Words | string): Words {
  return (action) => ({ group, verb, rest: typeof rest === 'string' ? rest : rest(action).rest })
}
/** `because "…"`, where the action keeps a reason. */
const because: Words = (action) => ({
  group: 'change',
  verb: '',
  rest: textAt(action, 'reason') === '' ? '' : `because “${textAt(action, 'reason')}”`,
})

/** As the machine called itself, and where it was. */
const fromMachine: Words = (action) => ({
  group: 'change',
  verb: '',
  rest: `on “${textAt(action, 'host')}” at ${textAt(action, 'address')}`,
})

const applied: Words = (action) => ({
  group: 'change',
  verb: textAt(action, 'change') === 'created' ? 'created' : `applied version ${textAt(action, 'version') || '?'} of`,
  rest: '',
})
const refused: Words = (action) => ({
  group: 'alarm',
  verb: 'sent a record that does not verify, of',
  rest: textAt(action, 'reason') === '' ? '' : `(${textAt(action, 'reason')})`,
})
const span: Words = (action) => ({
  group: 'read',
  verb: 'exported',
  rest: [textAt(action, 'from'), textAt(action, 'to')].filter((part) => part !== '').join(' to '),
})

const words: Readonly<Record<string, Words>> = {
  apply: applied,
  delete: change('deleted'),
  'join-token': change('made a join token for'),
  enroll: change('joined as'),
  'revoke-agent': change('revoked', because),
  'kill-session': change('ended', because),
  'view-session': read('looked at'),
  'view-trace': read('looked at'),
  'export-session': read('exported'),
  'export-range': span,
  approve: change('approved', because),
  deny: change('denied', because),
  'cancel-request': change('cancelled'),
  'request-grant': change('asked for', because),
  'approve-grant': change('gave', because),
  'deny-grant': change('denied', because),
  'end-grant': change('ended'),
  'webhook-create': change('created'),
  'webhook-delete': change('deleted'),
  'webhook-rotate': change('rotated the secret of'),
  'webhook-enable': change('enabled'),
  'webhook-disable': change('disabled', because),
  'webhook-test': change('sent a test event to'),
  'delivery-resend': change('re-sent a delivery of'),
  'record-refused': refused,
  'confirm-login': change('logged in a command line as', fromMachine),
  'refuse-login': change('refused a command line’s login as', fromMachine),
}

export function actionText(action: AdminAction): ActionText {
  const known = Object.hasOwn(words, action.action) ? words[action.action] : undefined
  return known?.(action) ?? { group: 'other', verb: `did “${action.action}” on`, rest: '' }
}

export interface ActionObject {
  /** `policy orders`, `agent eu-1`. */
  readonly kind: string
  readonly name: string
  /** Where the console shows it; null where it has no page. */
  readonly href: string | null
}

/** Ids are for machines: in a sentence their beginning tells them apart. The whole one stands in the facts. */
const short = (name: string): string => (/^[0-9a-f]{32}$/.test(name) ? name.slice(0, 8) : name)

/** `Policy/orders` as a thing with a page. */
export function actionObject(object: string): ActionObject {
  const slash = object.indexOf('/')
  if (slash === -1) return { kind: '', name: object, href: object === 'Sessions' ? paths.sessions() : null }
  const [kind, name] = [object.slice(0, slash), object.slice(slash + 1)]
  return { kind: kindWords[kind] ?? kind, name: short(name), href: hrefOf(kind, name) }
}

const kindWords: Readonly<Record<string, string>> = {
  Policy: 'policy',
  Target: 'target',
  Agent: 'agent',
  Session: 'session',
  Group: 'group',
  Role: 'role',
  Label: 'label',
  TrustedIssuer: 'trusted issuer',
  Approval: 'request',
  Grant: 'grant',
  Webhook: 'webhook',
  Sessions: 'sessions',
}

function hrefOf(kind: string, name: string): string | null {
  switch (kind) {
    case 'Policy':
      return paths.policy(name)
    case 'Target':
      return `${paths.targets()}?open=${encodeURIComponent(name)}`
    case 'Agent':
      return `${paths.agents()}?open=${encodeURIComponent(name)}`
    case 'Session':
      return paths.session(name)
    case 'Approval':
      return paths.approval(name)
    case 'Grant':
      return paths.grant(name)
    case 'Webhook':
      return `${paths.integrations()}?open=${encodeURIComponent(name)}`
    default:
      return null
  }
}

export interface ActorText {
  readonly name: string
  /** Where the identity comes from; "" for agents and the installation itself. */
  readonly issuer: string
  readonly kind: 'person' | 'agent' | 'system'
}

/** `issuer subject` of a person, `agent ID`, or words for the installation itself. */
export function actorText(actor: string): ActorText {
  const space = actor.indexOf(' ')
  if (space === -1) return { name: actor, issuer: '', kind: 'system' }
  const [first, rest] = [actor.slice(0, space), actor.slice(space + 1)]
  if (first === 'agent') return { name: `agent ${short(rest)}`, issuer: '', kind: 'agent' }
  // Issuers are URLs; "control plane" is no person.
  return first.includes('://')
    ? { name: rest, issuer: first, kind: 'person' }
    : { name: actor, issuer: '', kind: 'system' }
}

/** Does the action contain every word, anywhere in what the page shows? */
export function matchesWords(action: AdminAction, query: string): boolean {
  const { verb, rest } = actionText(action)
  const text = [action.actor, action.action, verb, action.object, rest, JSON.stringify(action.detail)]
    .join(' ')
    .toLowerCase()
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

/** Columns of the export. */
export const csvHead = ['at', 'actor', 'action', 'object', 'sentence', 'detail', 'id'] as const
export function csvRow(action: AdminAction): readonly string[] {
  const { verb, rest } = actionText(action)
  const actor = actorText(action.actor)
  const sentence = [actor.kind === 'agent' ? action.actor : actor.name, verb, action.object, rest]
    .filter((part) => part !== '')
    .join(' ')
  return [action.at, action.actor, action.action, action.object, sentence, JSON.stringify(action.detail), action.id]
}
