// A policy in words: what each rule says, whom it is about, what is hidden. And a place to try a statement on it.
import type { Resource } from '@sallyport/api/resources'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Eye, FileCode2, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { resourcesQuery } from '../api/queries.ts'
import { Badge, type Tone } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { Card } from '../ui/Card.tsx'
import { useToast } from '../ui/Toast.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { duringText, plural } from '../util/format.ts'
import { paths } from '../util/paths.ts'
import { Confirm } from './Confirm.tsx'
import { type MaskView, type PolicyView, type RuleView, selectorText, selects, targetOf } from './documents.ts'
import { ExplainForm } from './ExplainForm.tsx'
import { deleteDocument, useReadOnly } from './queries.ts'
import { Sentence } from './Sentence.tsx'
import { maskSentence, ruleSentence } from './sentences.ts'
import { YamlDialog } from './YamlDialog.tsx'

const effectOrder: readonly string[] = ['deny', 'hold', 'allow']
const tones: Readonly<Record<string, Tone>> = { allow: 'allow', deny: 'deny', hold: 'hold' }

export function PolicyRead({ resource, view }: { readonly resource: Resource; readonly view: PolicyView }) {
  return (
    <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_24rem]">
      <div className="min-w-0 space-y-4">
        <AppliesTo view={view} />
        <PolicyWords view={view} />
        <DocumentActions resource={resource} />
      </div>
      <ExplainForm title="Try a statement" policy={view} />
    </div>
  )
}

/** Its rules and masks as sentences. */
export function PolicyWords({ view }: { readonly view: PolicyView }) {
  const { rules, masks } = view.spec
  const sorted = rules.items.toSorted(
    (left, right) => effectOrder.indexOf(left.effect) - effectOrder.indexOf(right.effect),
  )
  return (
    <>
      <Card
        title="Rules"
        lead="Strictest first. Their order never matters: any deny wins, then any hold, then an allow; what no rule allows is denied."
        flush
      >
        {sorted.length === 0 ? (
          <p className="px-4 pb-4 text-ink-2">No rules: this policy allows nothing and denies nothing by itself.</p>
        ) : (
          <ul className="divide-y divide-line border-t border-line">
            {sorted.map((rule) => (
              <Rule key={rule.name} rule={rule} />
            ))}
          </ul>
        )}
        <Unread count={rules.unread} one="rule" />
      </Card>
      <Card title="Masks" lead="What callers see in place of a value. Where several meet, the strictest wins." flush>
        {masks.items.length === 0 ? (
          <p className="px-4 pb-4 text-ink-2">No masks: values leave as they are stored.</p>
        ) : (
          <ul className="divide-y divide-line border-t border-line">
            {masks.items.map((mask, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: masks need no names
              <Mask key={index} mask={mask} />
            ))}
          </ul>
        )}
        <Unread count={masks.unread} one="mask" />
      </Card>
    </>
  )
}

function AppliesTo({ view }: { readonly view: PolicyView }) {
  const targets = useQuery(resourcesQuery('targets'))
  const names = (targets.data?.items ?? []).flatMap((resource) => {
    const target = targetOf(resource.document)
    return target !== null && selects(view, target) ? [resource.name] : []
  })
  return (
    <Card title="Applies to" lead={`Selector: ${selectorText(view.spec.targets)}`}>
      {targets.data === undefined ? (
        <p className="text-ink-3">Looking for targets…</p>
      ) : names.length === 0 ? (
        <p className="text-hold">No target matches the selector, so this policy does nothing yet.</p>
      ) : (
        <ul className="flex flex-wrap gap-x-4 gap-y-1">
          {names.map((name) => (
            <li key={name}>
              <Link to={paths.targets()} search={{ open: name }} className="link font-medium">
                {name}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function Rule({ rule }: { readonly rule: RuleView }) {
  return (
    <li className="px-4 py-3">
      <div className="mb-1 flex flex-wrap items-center gap-2">
        <Badge tone={tones[rule.effect] ?? 'neutral'}>{rule.effect}</Badge>
        <span className="font-mono text-[13px]">
          <VisibleText text={rule.name} />
        </span>
        {rule.mode === 'shadow' ? (
          <span title="Recorded where it would have changed the decision; not enforced">
            <Badge tone="hold" icon={<Eye aria-hidden size={13} />}>
              shadow
            </Badge>
          </span>
        ) : null}
      </div>
      <Sentence pieces={ruleSentence(rule)} />
      <dl className="mt-2 grid gap-x-4 gap-y-1 text-xs sm:grid-cols-[6.5rem_minmax(0,1fr)]">
        {factsOf(rule).map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-ink-3">{name}</dt>
            <dd className="font-mono [overflow-wrap:anywhere] text-ink-2 max-sm:mb-1">
              <VisibleText text={value} />
            </dd>
          </div>
        ))}
      </dl>
    </li>
  )
}

/** The same as the sentence, field by field, for whoever compares with the document. */
function factsOf(rule: RuleView): readonly (readonly [string, string])[] {
  const { approval } = rule
  return [
    ['Callers', callersText(rule.callers)],
    ['Operations', rule.operations?.join(', ') ?? 'all'],
    ['Objects', rule.objects?.join(', ') ?? 'all'],
    ...(rule.when === undefined ? [] : [['When', rule.when] as const]),
    ...(rule.during === undefined ? [] : [['During', duringText(rule.during)] as const]),
    ...(approval === undefined ? [] : [['Approval', approvalFact(rule, approval)] as const]),
    ...(rule.effect === 'grant' ? [['Longest', rule.longest] as const] : []),
    ...(rule.message === undefined ? [] : [['Message', rule.message] as const]),
  ]
}

/** Nobody waits in a connection for a grant. */
const approvalFact = ({ effect }: RuleView, { expires, wait, reason }: NonNullable<RuleView['approval']>): string =>
  `expires ${expires}, ${effect === 'grant' ? '' : `caller waits ${wait}, `}reason ${reason}`

function callersText(callers: RuleView['callers']): string {
  if (callers === undefined) return 'everyone'
  const parts = [
    ...(callers.any === true ? ['any'] : []),
    ...(callers.groups === undefined ? [] : [`groups: ${callers.groups.join(', ')}`]),
    ...(callers.kinds === undefined ? [] : [`kinds: ${callers.kinds.join(', ')}`]),
    ...(callers.principals ?? []).map((one) => `${one.subject} of ${one.issuer}`),
  ]
  return parts.join('; ')
}

function Mask({ mask }: { readonly mask: MaskView }) {
  const method = typeof mask.method === 'string' ? mask.method : `partial(${mask.method.partial.keepLast})`
  return (
    <li className="px-4 py-3">
      <div className="mb-1 flex flex-wrap items-center gap-2">
        <Badge tone="mask">{method}</Badge>
        {mask.name === undefined ? null : <span className="font-mono text-[13px]">{mask.name}</span>}
      </div>
      <Sentence pieces={maskSentence(mask)} />
    </li>
  )
}

function Unread({ count, one }: { readonly count: number; readonly one: string }) {
  if (count === 0) return null
  return (
    <p className="border-t border-line px-4 py-3 text-hold">
      {plural(count, one)} cannot be read by this console. See the YAML; it counts all the same.
    </p>
  )
}

function DocumentActions({ resource }: { readonly resource: Resource }) {
  const readOnly = useReadOnly()
  const [shown, setShown] = useState<'yaml' | 'delete' | null>(null)
  const navigate = useNavigate()
  const queries = useQueryClient()
  const say = useToast()
  return (
    <div className="flex flex-wrap items-start gap-2">
      <Button icon={<FileCode2 aria-hidden size={16} />} onClick={() => setShown('yaml')}>
        YAML
      </Button>
      <Button
        kind="danger"
        icon={<Trash2 aria-hidden size={16} />}
        {...(readOnly === undefined ? {} : { why: readOnly })}
        onClick={() => setShown('delete')}
      >
        Delete policy
      </Button>
      {shown === 'yaml' ? (
        <YamlDialog
          title={`Policy ${resource.name}`}
          lead={`Version ${resource.version}`}
          document={resource.document}
          onClose={() => setShown(null)}
        />
      ) : null}
      {shown === 'delete' ? (
        <Confirm
          title={`Delete policy ${resource.name}?`}
          lead="What it allows is denied from then on, and what it denies or masks no longer is. Its versions stay."
          verb="Delete policy"
          typed={resource.name}
          onClose={() => setShown(null)}
          onConfirm={async () => {
            await deleteDocument('policies', resource)
            await navigate({ to: paths.policies() })
            await queries.invalidateQueries({ queryKey: ['resources'] })
            say('done', `Policy ${resource.name} is deleted`)
          }}
        />
      ) : null}
    </div>
  )
}
