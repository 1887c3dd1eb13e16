// Above the player: who reached what, since when, as whom; whether the record is to be trusted; what can be done.
import type { Session } from '@sallyport/api/recordings'
import { Link } from '@tanstack/react-router'
import { ChevronRight, Download, OctagonX } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { Assurance } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { useTitle } from '../ui/Frame.tsx'
import { useNow } from '../ui/useNow.ts'
import { VisibleText } from '../ui/VisibleText.tsx'
import { absoluteTime } from '../util/format.ts'
import { paths } from '../util/paths.ts'
import { span } from './format.ts'
import { KillDialog } from './KillDialog.tsx'
import { exportPath } from './queries.ts'
import { Served } from './Served.tsx'
import { StateBadge } from './StateBadge.tsx'

export function SessionHead({
  session,
  mayKill,
  integrity,
  asOf,
}: {
  readonly session: Session
  readonly mayKill: boolean
  readonly integrity: ReactNode
  readonly asOf: ReactNode
}) {
  const title = `${session.initiator.display} on ${session.target}`
  useTitle(title)
  return (
    <div className="mb-3 flex items-start justify-between gap-x-4 gap-y-2 max-lg:flex-wrap">
      <div className="min-w-0 grow">
        <nav aria-label="You are here" className="flex h-5 items-center gap-1 text-xs text-ink-3">
          <Link to={paths.sessions()} className="rounded py-0.5 hover:text-ink hover:underline">
            Sessions
          </Link>
          <ChevronRight aria-hidden size={13} />
          <span className="font-mono">{session.id.slice(0, 8)}</span>
          {asOf}
        </nav>
        <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
          <h1 className="min-w-0 text-xl leading-7 font-semibold tracking-tight break-words">
            <VisibleText text={session.initiator.display} /> <Assurance assurance={session.initiator.assurance} />{' '}
            <span className="font-normal text-ink-3">on</span> <VisibleText text={session.target} />
          </h1>
          <StateBadge state={session.state} />
          {integrity}
        </div>
        <Facts session={session} />
      </div>
      <Actions session={session} title={title} mayKill={mayKill} />
    </div>
  )
}

/** What an agent calls its ways in, in words of people; others as they stand. */
const logins: ReadonlyMap<string, string> = new Map([
  ['jwt-password', 'token'],
  ['jwt-oauthbearer', 'token, by OAUTHBEARER'],
  ['ticket-scram-sha-256', 'ticket'],
  ['ticket-scram-sha-256-plus', 'ticket, bound to its TLS connection'],
  ['client-certificate', 'client certificate'],
])
const loginWords = (authentication: string): string => logins.get(authentication) ?? authentication

function Facts({ session }: { readonly session: Session }) {
  const now = useNow(session.state === 'live' ? 1_000 : 60_000)
  const end = session.closedAt === null ? now : Date.parse(session.closedAt)
  const length =
    session.state === 'interrupted' && session.closedAt === null ? null : span(end - Date.parse(session.openedAt))
  return (
    <p className="mt-0.5 flex flex-wrap gap-x-3 text-[13px] text-ink-2 lg:gap-x-2 lg:[&>*+*]:before:mr-2 lg:[&>*+*]:before:text-ink-3 lg:[&>*+*]:before:content-['·']">
      {[...session.actors].reverse().map((actor) => (
        <span key={`${actor.issuer} ${actor.subject}`}>
          through <VisibleText text={actor.display} /> <Assurance assurance={actor.assurance} />
        </span>
      ))}
      {session.initiatorCount === 0 ? null : (
        <span>
          for <Served initiators={session.initiators} count={session.initiatorCount} shown={3} />
        </span>
      )}
      {session.upstreamRole === '' ? null : (
        <span title={`Agent ${session.agentName}`}>
          as <span className="font-mono text-[0.95em]">{session.upstreamRole}</span>
        </span>
      )}
      <span>
        from <span className="font-mono text-[0.95em]">{session.clientAddress}</span>
      </span>
      {session.authentication === '' ? null : (
        <span title="How the caller proved who it is">
          by <VisibleText text={loginWords(session.authentication)} />
          {session.tls ? '' : ', without TLS'}
        </span>
      )}
      {session.applicationName === '' ? null : (
        <span title="The client says this about itself">
          <VisibleText text={session.applicationName} />
        </span>
      )}
      <span>
        {absoluteTime(Date.parse(session.openedAt))}
        {length === null ? '' : `, ${length}`}
      </span>
    </p>
  )
}

function Actions({
  session,
  title,
  mayKill,
}: {
  readonly session: Session
  readonly title: string
  readonly mayKill: boolean
}) {
  const [killing, setKilling] = useState(false)
  return (
    <div className="flex shrink-0 flex-wrap items-start gap-2 lg:pt-3">
      <a
        href={exportPath(session.id)}
        download
        title="Signed bundle (JSON Lines): verify it offline with sallyport audit verify"
        className="inline-flex min-h-9 items-center gap-2 rounded-lg border border-line bg-surface px-3 text-sm font-medium hover:border-line-strong hover:bg-surface-2"
      >
        <Download aria-hidden size={15} />
        Export
      </a>
      {session.state === 'live' ? (
        <Button
          kind="danger"
          icon={<OctagonX aria-hidden size={15} />}
          onClick={() => setKilling(true)}
          {...(mayKill ? {} : { why: 'Needs the role admin' })}
        >
          End session
        </Button>
      ) : null}
      <KillDialog session={session.id} title={title} open={killing} onClose={() => setKilling(false)} />
    </div>
  )
}
