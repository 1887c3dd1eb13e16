// What was sent: the text as recorded, its parameters, and what it does by the parser that judged it.
import { Link } from '@tanstack/react-router'
import { PencilLine } from 'lucide-react'
import { Fragment } from 'react'
import { Badge } from '../ui/Badge.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { bytes, count } from '../util/format.ts'
import { Block, Note } from './Block.tsx'
import type { Story } from './story.ts'

/** A literal or parameter that met a protected column: `‹type:hash›` (docs/recording-format.md). */
const placeholder = /‹([^‹›:]{1,60}):([0-9a-f]{4,64})›/g

/** Recorded text, with placeholders of protected values drawn as what they are. */
export function RecordedText({ text }: { readonly text: string }) {
  const parts: React.ReactNode[] = []
  let from = 0
  for (const match of text.matchAll(placeholder)) {
    parts.push(<VisibleText text={text.slice(from, match.index)} />)
    parts.push(
      <span
        title="A protected value. The record keeps its type and a keyed hash: equal hashes in this installation are equal values."
        className="mx-px rounded bg-mask-soft px-1 text-[0.9em] text-mask"
      >
        ‹{match[1]}:{match[2]}›
      </span>,
    )
    from = match.index + match[0].length
  }
  parts.push(<VisibleText text={text.slice(from)} />)
  // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text never move
  return parts.map((part, index) => <Fragment key={index}>{part}</Fragment>)
}

export function StatementTab({ story: { begun } }: { readonly story: Story }) {
  return (
    <div className="space-y-5">
      {begun.textTruncated ? (
        <Note tone="deny" title="This text is cut">
          The record keeps its first {bytes(new TextEncoder().encode(begun.text).length)}; the rest was longer than what
          an entry holds. What was judged and sent is the whole text.
        </Note>
      ) : null}
      <figure className="overflow-hidden rounded-lg border border-line bg-canvas">
        <figcaption className="flex min-h-8 items-center justify-between gap-2 border-b border-line pr-1 pl-3 text-xs text-ink-3">
          as recorded, {count(begun.text.length)} characters
          <CopyButton text={begun.text} what="the statement" />
        </figcaption>
        <pre className="px-3 py-2.5 font-mono text-[13px] leading-5 whitespace-pre-wrap [overflow-wrap:anywhere]">
          <RecordedText text={begun.text} />
          {begun.textTruncated ? <span className="text-deny">… cut here</span> : null}
        </pre>
      </figure>
      {begun.parameters.length === 0 ? null : <Parameters values={begun.parameters} />}
      <Block title="What it does">
        {begun.effects.length === 0 ? (
          <p className="text-ink-2">Nothing that a rule names: transaction control, settings or expressions.</p>
        ) : (
          <ul className="space-y-1">
            {begun.effects.map((effect) => (
              <li
                key={`${effect.operation} ${effect.object} ${effect.via}`}
                className="flex flex-wrap items-center gap-2"
              >
                <Operation operation={effect.operation} />
                <span className="font-mono text-[13px] break-all">
                  <VisibleText text={effect.object} />
                </span>
                {effect.via === 'derived' ? (
                  <span className="text-xs text-ink-3">through a view or trigger</span>
                ) : null}
              </li>
            ))}
          </ul>
        )}
      </Block>
      {begun.sql === undefined ? null : <AskedSql all={begun.sql} />}
      {begun.trace === undefined ? null : <TraceLink trace={begun.trace.trace} />}
      <p className="text-xs text-ink-3">
        {protocolWords[begun.protocol]}
        {begun.fingerprint === '' ? null : (
          <>
            {' · fingerprint '}
            <span className="font-mono">{begun.fingerprint}</span>
          </>
        )}
      </p>
    </div>
  )
}

const protocolWords: Readonly<Record<string, string>> = {
  simple: 'Simple query',
  extended: 'Prepared statement',
  http: 'HTTP request',
  mcp: 'MCP message',
}

/** What an argument of a tool asks a database. */
function AskedSql({ all }: { readonly all: NonNullable<Story['begun']['sql']> }) {
  return (
    <Block title="What its SQL asks">
      <ul className="space-y-1">
        {all.flatMap(({ target, effects }) =>
          effects.map((effect) => (
            <li key={`${target} ${effect.operation} ${effect.object}`} className="flex flex-wrap items-center gap-2">
              <Operation operation={effect.operation} />
              <span className="font-mono text-[13px] break-all">
                <VisibleText text={effect.object} />
              </span>
              <span className="text-xs text-ink-3">at {target}</span>
            </li>
          )),
        )}
      </ul>
    </Block>
  )
}

function TraceLink({ trace }: { readonly trace: string }) {
  return (
    <Block title="Trace">
      <Link to="/traces/$id" params={{ id: trace }} className="link font-mono text-[13px] break-all">
        {trace}
      </Link>
      <p className="mt-1 text-xs text-ink-3">What the same call did at other targets, in one timeline.</p>
    </Block>
  )
}

/** A change has a pencil besides its colour. */
function Operation({ operation }: { readonly operation: string }) {
  if (isReading(operation)) return <Badge>{operation}</Badge>
  return (
    <Badge tone="deny" icon={<PencilLine aria-hidden size={13} />}>
      {operation}
    </Badge>
  )
}

const isReading = (operation: string): boolean =>
  operation === 'select' || operation === 'set' || operation === 'listen'

function Parameters({ values }: { readonly values: readonly (string | null)[] }) {
  return (
    <Block title="Parameters">
      <ol className="divide-y divide-line rounded-lg border border-line">
        {values.map((value, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a parameter is its place
          <li key={index} className="flex gap-3 px-3 py-1.5 font-mono text-[13px]">
            <span className="text-ink-3 select-none">${index + 1}</span>
            <span className="min-w-0 break-all">
              {value === null ? <span className="text-ink-3 italic">NULL</span> : <RecordedText text={value} />}
            </span>
          </li>
        ))}
      </ol>
    </Block>
  )
}
