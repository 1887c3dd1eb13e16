// Of which distributed trace a request or statement is (W3C Trace Context), so that one timeline joins what a call led to. A trace is
// what its caller says it is: it proves nothing, opens nothing, and decides nothing.
import type { EntryTrace } from '@sallyport/ledger/entry'
import type { Fields } from '@sallyport/wire/http/fields'
import { readTraceparent, type TraceParent, traceparentOf, traceparentText } from '@sallyport/wire/http/trace-context'

/** The gateway's part of a trace. */
export interface Tracing {
  readonly entry: EntryTrace
  /** What the target is told: the gateway's part as its parent. */
  readonly traceparent: string
}

type Random = (bytes: number) => Uint8Array

/** Ids are no secrets: they are cut from bytes that are asked for together, since to ask costs more than the bytes. */
const pools = new WeakMap<Random, { digits: string; at: number }>()
const poolBytes = 1_024

function idOf(random: Random, bytes: number): string {
  const pool = pools.get(random) ?? { digits: '', at: 0 }
  if (pool.at + 2 * bytes > pool.digits.length) {
    pool.digits = Buffer.from(random(poolBytes)).toString('hex')
    pool.at = 0
    pools.set(random, pool)
  }
  const id = pool.digits.slice(pool.at, pool.at + 2 * bytes)
  pool.at += 2 * bytes
  return id
}

/** Sampled, since the gateway records all of it. */
const begunFlags = 1

/** A new part of the trace that was said, or of a new one. */
export function tracingOf(said: TraceParent | null, random: Random): Tracing {
  const trace = said?.trace ?? idOf(random, 16)
  const span = idOf(random, 8)
  return {
    entry: { trace, parent: said?.parent ?? '', span },
    traceparent: traceparentText({ trace, parent: span, flags: said?.flags ?? begunFlags }),
  }
}

/** The fields of a request with the gateway's part in the place of what its caller said. Without a trace that can be read, its
 * `tracestate` is about nothing (3.3). */
export function tracedFields(fields: Fields, random: Random): { readonly fields: Fields; readonly tracing: Tracing } {
  const said = traceparentOf(fields)
  const tracing = tracingOf(said, random)
  const others = fields.filter(([name]) => name !== 'traceparent' && (said !== null || name !== 'tracestate'))
  others.push(['traceparent', tracing.traceparent])
  return { fields: others, tracing }
}

/** How far before its end a text is looked at, in characters. */
const tailCharsMax = 2_048
const noSpan = ''

/** As sqlcommenter writes it: a pair in a comment at the end (https://google.github.io/sqlcommenter/spec). Null without one. */
export function traceOfText(text: string): EntryTrace | null {
  const at = text.lastIndexOf('traceparent=')
  if (at === -1 || at < text.length - tailCharsMax) return null
  const [, body = ''] = /\/\*([^*]*)\*\/[\s;]*$/.exec(text.slice(-tailCharsMax)) ?? []
  const all = body.split(',').flatMap((pair) => /^\s*traceparent='([^']*)'\s*$/.exec(pair)?.[1] ?? [])
  const said = all.length === 1 ? readTraceparent(all[0] ?? '') : null
  return said === null ? null : { trace: said.trace, parent: said.parent, span: noSpan }
}
