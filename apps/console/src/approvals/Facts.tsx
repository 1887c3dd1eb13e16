// Facts four to eight of a request: impact, rule, history, scope, expiry. Each is a small section with a name, so that eyes
// and screen readers find it in the same place every time.
import type { Approval } from '@sallyport/api/approvals'
import { Link } from '@tanstack/react-router'
import { Ban, CircleCheck, Sparkles, UsersRound } from 'lucide-react'
import { type ReactNode, useEffect, useId, useRef } from 'react'
import { ExpiryRing } from '../ui/ExpiryRing.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { useNow } from '../ui/useNow.ts'
import { VisibleText } from '../ui/VisibleText.tsx'
import { announce } from '../util/announce.ts'
import { countdown, leftOf, saidAt } from '../util/expiry.ts'
import { count, momentTime, plural, sentence } from '../util/format.ts'
import { nounOf } from './words.ts'

export function Fact({
  name,
  className = '',
  quiet = false,
  children,
}: {
  readonly name: string
  readonly className?: string
  /** Where there is little room its name is heard and not seen. */
  readonly quiet?: boolean
  readonly children: ReactNode
}) {
  const id = useId()
  return (
    <section aria-labelledby={id} className={`min-w-0 ${className === '' ? 'shrink-0' : className}`}>
      <h2 id={id} className={`mb-0.5 text-xs font-medium text-ink-3 ${quiet ? '@max-2xl:sr-only' : ''}`}>
        {name}
      </h2>
      {children}
    </section>
  )
}

/** `0.02 %`; a share that is not zero never reads as zero. */
function percent(rows: number, ofRows: number): string {
  if (ofRows <= 0) return ''
  const share = (rows / ofRows) * 100
  if (share >= 99.95) return 'all of it'
  if (share > 0 && share < 0.01) return 'under 0.01 %'
  return `${share < 10 ? share.toFixed(2) : share.toFixed(0)} %`
}

export function Impact({ estimate }: { readonly estimate: Approval['estimate'] }) {
  if (estimate.kind === 'unavailable')
    return (
      <Fact name="Estimated impact">
        <p>
          <b className="font-semibold">No estimate.</b>{' '}
          <span className="text-ink-2">
            <VisibleText text={sentence(estimate.reason)} />
          </span>
        </p>
      </Fact>
    )
  const { rows, ofRows, scan, at } = estimate
  return (
    <Fact name="Estimated impact">
      <p className="flex flex-wrap items-baseline gap-x-2">
        <span className="text-base font-semibold tabular-nums">about {plural(rows, 'row')}</span>
        <span className="text-ink-2 tabular-nums">
          {ofRows === null ? 'of a table without statistics' : `of ${count(ofRows)} (${percent(rows, ofRows)})`}
        </span>
      </p>
      <p className="text-xs text-ink-3">
        <VisibleText text={scan} />, <TimeAgo at={at} />
      </p>
    </Fact>
  )
}

export function RuleFact({ approval, mayRead }: { readonly approval: Approval; readonly mayRead: boolean }) {
  const { policy, version, rule } = approval.rule
  return (
    <Fact name="Held by rule">
      <p className="font-medium [overflow-wrap:anywhere]">
        {mayRead ? (
          <Link className="link" to="/policies/$name" params={{ name: policy }} search={{ tab: 'read', version }}>
            {rule}
          </Link>
        ) : (
          rule
        )}
      </p>
      <p className="text-xs text-ink-3">
        policy {policy}, version {version}
      </p>
      {approval.message === '' ? null : (
        <p className="mt-0.5 line-clamp-3 text-[13px] text-ink-2 @2xl:line-clamp-2" title={approval.message}>
          <VisibleText text={approval.message} />
        </p>
      )}
    </Fact>
  )
}

export function History({ history, noun }: { readonly history: Approval['history']; readonly noun: string }) {
  const { approved, denied, last, firstTime } = history
  if (firstTime)
    return (
      <Fact name="History, 30 days" className="@max-2xl:order-last">
        <p className="flex items-center gap-1.5 font-semibold text-hold">
          <Sparkles aria-hidden size={15} />
          First time
        </p>
        <p className="text-xs text-ink-3">This caller has not asked for this {noun} before.</p>
      </Fact>
    )
  return (
    <Fact name="History, 30 days" className="@max-2xl:order-last">
      <p>
        <span className={approved > 0 ? 'font-semibold text-allow' : 'text-ink-2'}>{count(approved)} approved</span>
        <span className="text-ink-3"> · </span>
        <span className={denied > 0 ? 'font-semibold text-deny' : 'text-ink-2'}>{count(denied)} denied</span>
      </p>
      <p className="text-xs text-ink-3">
        {last === null ? (
          'Asked before; nobody has decided it yet.'
        ) : (
          <>
            last {last.verdict} by <VisibleText text={last.by} />, <TimeAgo at={last.at} />
          </>
        )}
      </p>
    </Fact>
  )
}

/** Of what was not approved there is nothing to say. */
export function Scope({ approval }: { readonly approval: Approval }) {
  if (approval.state === 'denied' || approval.state === 'expired' || approval.state === 'cancelled') return null
  return (
    <Fact name={approval.state === 'pending' ? 'What approval allows' : 'What the approval allows'}>
      <p className="text-[13px]">
        <b className="font-semibold">One run of exactly this {approval.statements > 1 ? 'text' : nounOf(approval)}</b>
        <span className="text-ink-2">; a change is a new request.</span>
      </p>
    </Fact>
  )
}

/** Says it at one minute, at ten seconds and at the end, once each. */
function useExpiryAnnouncements(urgency: ReturnType<typeof leftOf>['urgency']) {
  const before = useRef(urgency)
  useEffect(() => {
    const said = saidAt(before.current, urgency)
    before.current = urgency
    if (said !== null) announce(said, urgency !== 'soon')
  }, [urgency])
}

/** Of what is pending. */
export function Expiry({
  createdAt,
  expiresAt,
  then = 'denied',
  children,
}: {
  readonly createdAt: string
  readonly expiresAt: string
  /** What becomes of it when nobody decides. */
  readonly then?: string
  readonly children?: ReactNode
}) {
  const fromMs = Date.parse(createdAt)
  const untilMs = Date.parse(expiresAt)
  const nowMs = useNow()
  const left = leftOf(fromMs, untilMs, nowMs)
  useExpiryAnnouncements(left.urgency)
  return (
    <Fact name="Expires">
      <div className="flex items-center gap-2.5">
        <ExpiryRing fromMs={fromMs} untilMs={untilMs} size={34} />
        <div className="min-w-0">
          <p className="leading-5 font-semibold tabular-nums">
            {left.urgency === 'over' ? 'Expired' : <span role="timer">{countdown(left.ms)}</span>}
          </p>
          <p className="text-xs text-ink-3 tabular-nums">
            at <time dateTime={expiresAt}>{momentTime(untilMs, nowMs)}</time>
            {left.urgency === 'over' ? '' : `, then ${then}`}
          </p>
        </div>
      </div>
      {children === undefined ? null : <p className="mt-1 text-xs text-ink-2">{children}</p>}
    </Fact>
  )
}

export function Quorum({
  quorum,
  verdicts,
  isPending,
}: Pick<Approval, 'quorum' | 'verdicts'> & { readonly isPending: boolean }) {
  const deniedBy = verdicts.filter(({ verdict }) => verdict === 'denied').map(({ by }) => by)
  return (
    <Fact name={isPending ? 'Who decides' : 'Who decided'} className="@max-2xl:col-span-2">
      <ul className="space-y-1 text-[13px]">
        {quorum.map((group) => (
          <li key={group.group}>
            <p className="flex items-center gap-1.5">
              {group.approvedBy.length >= group.count ? (
                <CircleCheck aria-hidden size={15} className="shrink-0 text-allow" />
              ) : (
                <UsersRound aria-hidden size={15} className="shrink-0 text-ink-3" />
              )}
              <span className="min-w-0 font-medium [overflow-wrap:anywhere]">{group.group}</span>
              <span className="ml-auto text-ink-2 tabular-nums">
                {group.approvedBy.length} of {group.count}
              </span>
            </p>
            <p className="line-clamp-2 text-xs text-ink-3" title={group.others.join(', ')}>
              {group.approvedBy.length === 0 ? null : (
                <>
                  approved by <VisibleText text={group.approvedBy.join(', ')} />
                  {isPending && group.others.length > 0 ? ' · ' : ''}
                </>
              )}
              {!isPending || group.others.length === 0 ? null : (
                <>
                  could decide: <VisibleText text={group.others.join(', ')} />
                </>
              )}
              {isPending && group.approvedBy.length + group.others.length === 0
                ? 'nobody known in this group yet'
                : null}
            </p>
          </li>
        ))}
        {deniedBy.length === 0 ? null : (
          <li className="flex items-center gap-1.5 text-deny">
            <Ban aria-hidden size={15} className="shrink-0" />
            <span className="min-w-0 [overflow-wrap:anywhere]">
              denied by <VisibleText text={deniedBy.join(', ')} />
            </span>
          </li>
        )}
      </ul>
    </Fact>
  )
}
