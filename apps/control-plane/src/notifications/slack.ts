// Messages for incoming webhooks of Slack's shape: parsed facts as plain text and one link that we make ourselves. Nothing in
// a fact can forge markup, a mention, a link or another fact, and nothing in chat decides.
import type { WebhookEventName } from '@sallyport/api/webhooks'
import { z } from 'zod'

/** Characters of one name in a fact, and names of a list. Slack takes 2,000 characters a field. */
const nameCharsMax = 120
const namesMax = 6

const Names = z.array(z.string())
const Rule = z.object({ policy: z.string(), version: z.number().optional(), rule: z.string() })

/** What payloads can hold; each event has some of it. */
const Facts = z.object({
  caller: z.string().optional(),
  callerAssurance: z.string().optional(),
  target: z.string().optional(),
  agent: z.string().optional(),
  // Null: all there are.
  verbs: Names.nullable().optional(),
  objects: Names.nullable().optional(),
  objectsInAll: z.number().optional(),
  statements: z.number().optional(),
  filtered: z.boolean().optional(),
  rule: Rule.optional(),
  /** For how long somebody is granted something. */
  seconds: z.number().optional(),
  expiresAt: z.string().optional(),
  until: z.string().nullable().optional(),
  decidedBy: Names.optional(),
  by: z.string().optional(),
  kind: z.enum(['Policy', 'Target', 'TrustedIssuer', 'Group', 'Role', 'Label']).catch('Policy').optional(),
  name: z.string().optional(),
  version: z.number().optional(),
  change: z.enum(['created', 'updated', 'deleted']).optional().catch(undefined),
})
type Facts = z.infer<typeof Facts>

const titles = {
  'approval.requested': 'Approval requested',
  'approval.approved': 'Approved',
  'approval.denied': 'Denied by a reviewer',
  'approval.expired': 'Request expired',
  'approval.run': 'Approved statement ran',
  'grant.requested': 'Access for a time requested',
  'grant.approved': 'Access for a time granted',
  'grant.denied': 'Access for a time denied by a reviewer',
  'grant.ended': 'Access for a time ended before its end',
  'session.killed': 'Session ended by an administrator',
  'agent.joined': 'Agent joined',
  'agent.revoked': 'Agent revoked',
  'policy.changed': 'Policies changed',
  'webhook.test': 'Test message',
} as const satisfies Record<WebhookEventName, string>

/** The body of the message. `url` is our own. */
export function slackBody(event: WebhookEventName, payload: unknown, url: string): string {
  const parsed = Facts.safeParse(payload)
  const fields = parsed.success ? fieldsOf(parsed.data) : []
  const title = titles[event]
  return JSON.stringify({
    text: `Sallyport: ${title}`,
    blocks: [
      { type: 'header', text: plain(title) },
      ...(fields.length === 0 ? [] : [{ type: 'section', fields: fields.map(plain) }]),
      // The one place with markup holds nothing but an address of ours.
      { type: 'section', text: { type: 'mrkdwn', text: `<${url}|Open in Sallyport>`, verbatim: true } },
    ],
  })
}

/** No markup, no mentions, no emoji codes. */
const plain = (text: string) => ({ type: 'plain_text', text, emoji: false })

/** Slack takes ten. */
const fieldsMax = 10

function fieldsOf(facts: Facts): string[] {
  const { verbs, objects, rule, until } = facts
  const all: [string, string | undefined][] = [
    ['Verb', verbs === undefined ? undefined : verbText(facts)],
    ['Objects', objects === undefined ? undefined : objectsText(objects, facts.objectsInAll)],
    ['Caller', facts.caller === undefined ? undefined : callerText(facts.caller, facts.callerAssurance)],
    ['Target', facts.target === undefined ? undefined : name(facts.target)],
    ['Agent', facts.agent === undefined ? undefined : name(facts.agent)],
    [
      'Rule',
      rule === undefined ? undefined : `${documentText(rule.policy, { version: rule.version })}, ${name(rule.rule)}`,
    ],
    ['For', facts.seconds === undefined ? undefined : lengthText(facts.seconds)],
    typeof until === 'string'
      ? ['Until', timeText(until)]
      : ['Expires', facts.expiresAt === undefined ? undefined : timeText(facts.expiresAt)],
    [
      'Decided by',
      facts.decidedBy === undefined || facts.decidedBy.length === 0 ? undefined : namesText(facts.decidedBy),
    ],
    [facts.kind ?? 'Policy', facts.name === undefined ? undefined : documentText(facts.name, facts)],
    ['By', facts.by === undefined ? undefined : name(facts.by)],
  ]
  return all.flatMap(([label, text]) => (text === undefined ? [] : [`${label}: ${text}`])).slice(0, fieldsMax)
}

const objectsText = (objects: readonly string[] | null, inAll: number | undefined): string =>
  objects === null ? 'every one' : namesText(objects, inAll)

function lengthText(seconds: number): string {
  if (seconds % 3_600 === 0) return `${seconds / 3_600} h`
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`
}

function verbText({ verbs = [], statements = 1, filtered = true }: Facts): string {
  if (verbs === null) return 'any'
  const several = statements > 1 ? ` (${statements} statements)` : ''
  return `${namesText(verbs)}${several}${filtered ? '' : ' without WHERE'}`
}

const documentText = (of: string, { version, change }: Pick<Facts, 'version' | 'change'>): string =>
  [`${name(of)}${version === undefined ? '' : ` v${version}`}`, ...(change === undefined ? [] : [change])].join(', ')

const callerText = (caller: string, assurance: string | undefined): string =>
  assurance === 'verified' ? `${name(caller)} (verified)` : `${name(caller)} (only claimed)`

function timeText(text: string): string {
  const at = new Date(text)
  return Number.isNaN(at.getTime()) ? 'unknown' : at.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Quoted, so that a name with a comma is one name; `inAll` counts those that never came here. */
function namesText(names: readonly string[], inAll = names.length): string {
  const shown = names.slice(0, namesMax).map(name)
  const more = Math.max(inAll, names.length) - shown.length
  if (shown.length === 0) return more > 0 ? `${more} in all` : 'none'
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}

/** A name as text and nothing else. */
const name = (text: string): string => `"${visible(text)}"`

// Cc control, Cf format (bidi, zero-width, tags), Zl and Zp line ends, Cs halves of pairs, Co private, Cn unassigned; then
// letters and marks that show as nothing, and variation selectors.
const unseen =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\u115f\u1160\u2800\u3164\uffa0]|\u034f|\u17b4|\u17b5|[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]/gu
const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
function visible(text: string): string {
  // Cut first: what is looked at is bounded, whatever comes.
  const bounded = text.slice(0, nameCharsMax * 4)
  const clean = [...bounded.replace(unseen, '\ufffd').replace(/\s+/g, ' ').replaceAll('"', "'").trim()]
  const cut = clean.length > nameCharsMax || text.length > bounded.length
  return `${clean.slice(0, nameCharsMax).join('')}${cut ? ' …' : ''}`.replace(/[&<>]/g, (sign) => escapes[sign] ?? '')
}
