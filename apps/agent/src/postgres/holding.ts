// What the protocol has to do around a held statement: see that every answer has come, say whether the caller may wait,
// leave no transaction open at the target meanwhile, and have the portal again afterwards. It decides nothing.
import { assert } from '@sallyport/base/assert'
import type { HeldParameter } from '@sallyport/ledger/hold'
import type { FrontendMessage } from '@sallyport/wire/postgres/messages'
import type { JudgedStatement } from '../session/gate.ts'
import type { HeldExecution } from '../session/held.ts'
import type { HoldNotice } from '../session/hold-words.ts'
import { shownParameters } from './shown.ts'
import { type Action, type BoundMessage, expect, type Portal, type State } from './state.ts'
import { pinnedSettings } from './upstream.ts'

/** A text that has to be held is judged again when nothing is due any more: only then its place is known. */
export function waitForAnswers(state: State, message: FrontendMessage, out: Action[]): undefined {
  state.settling = true
  state.held = message
  if (!state.segmentOpen || state.flushed || state.expected.length === 0) return
  out.push({ do: 'forward', message: { type: 'flush' } })
  state.flushed = true
}

/** Only while nothing is due from the target. */
export function heldExecution(state: State, message: FrontendMessage): HeldExecution {
  assert(state.expected.length === 0, 'a held statement while answers are due')
  const settings = [...Object.entries(pinnedSettings), ...state.settings].map(([name, value]) => `${name}=${value}`)
  const { changedSetting } = state
  const nothing = { parameters: [], shown: [], resultFormats: [], settings, changedSetting }
  if (message.type !== 'execute') return { ...nothing, mayWait: mayWait(state, null), isWhole: true }
  const portal = state.portals.get(message.portal)
  const bind = portal?.bind ?? null
  if (portal === undefined || bind === null) return { ...nothing, mayWait: false, isWhole: false }
  return {
    mayWait: mayWait(state, portal),
    isWhole: message.rowsMax === 0 || portal.facts === null || portal.facts.output === null,
    parameters: heldParameters(portal, bind),
    shown: shownParameters(bind, typesOf(portal)),
    resultFormats: portal.resultFormats.map((format) => (format === 1 ? 'binary' : 'text')),
    settings,
    changedSetting,
  }
}

/**
 * Waiting ends the implicit transaction at the target, which must not show: no block is open, nothing in it has run, no
 * other portal dies with it, and the portal can be bound again from the statement that it came from.
 */
function mayWait(state: State, portal: Portal | null): boolean {
  if (state.status !== 'I' || state.segmentRan) return false
  if (portal === null) return true
  const others = [...state.portals.values()].some((other) => other !== portal && !other.holds)
  return !others && portal.statement !== null && state.statements.get(portal.statement.name) === portal.statement
}

function heldParameters(portal: Portal, bind: BoundMessage): readonly HeldParameter[] {
  const { formats } = portal.parameters
  const declared = portal.statement?.parameterTypes ?? []
  return bind.parameters.map((value, index): HeldParameter => {
    const isBinary = formats[index] === 1
    const shown = value === null ? null : (portal.parameters.values[index] ?? null)
    // Text that is no UTF-8 cannot stand in the digest as it is; as bytes it can.
    const isText = !isBinary && (value === null || shown !== null)
    return {
      type: declared[index] ?? 0,
      format: isText ? 'text' : 'binary',
      value: value === null ? null : isText ? shown : Buffer.from(value).toString('hex'),
    }
  })
}

/** What the client declared, else what the target described. */
function typesOf({ statement }: Portal): readonly number[] {
  const declared = statement?.parameterTypes ?? []
  return (statement?.describedTypes ?? []).length > declared.length || declared.every((oid) => oid === 0)
    ? (statement?.describedTypes ?? [])
    : declared
}

/** The caller waits from now on: it is told so, and the target's transaction ends. */
export function takeHold(state: State, notice: HoldNotice, out: Action[]): undefined {
  const message = state.judging
  assert(message !== null, 'nothing waits for a person')
  const fields = [
    ['S', 'NOTICE'],
    ['V', 'NOTICE'],
    ['C', '00000'],
    ['M', notice.message],
    ['H', notice.hint],
  ] as const
  out.push({ do: 'send', message: { type: 'noticeResponse', fields } })
  if (message.type === 'execute') state.kept ??= state.portals.get(message.portal) ?? null
  if (!state.segmentOpen) return
  out.push({ do: 'forward', message: { type: 'sync' } })
  expect(state, { kind: 'sync', hidden: true })
  state.segment += 1
  state.segmentOpen = false
  state.flushed = false
}

/** The portal ended with its transaction: it is bound again, from what the client sent, before the Execute. */
export function bindAgain(state: State, kept: Portal, judged: JudgedStatement | undefined, out: Action[]): undefined {
  assert(kept.bind !== null, 'a portal without its Bind was waited for')
  const portal: Portal = { ...kept, pendingSegment: state.segment, protection: judged?.protection ?? null }
  const { statement } = kept
  out.push({ do: 'forward', message: kept.bind, ...(statement === null ? {} : { statement }) })
  state.segmentOpen = true
  state.flushed = false
  const undo = () => {
    if (state.portals.get(portal.name) === portal) state.portals.delete(portal.name)
  }
  state.portals.set(portal.name, portal)
  expect(state, { kind: 'bind', portal, undo, hidden: true })
}

/** A value that is a small part of what came with it is copied, so that it does not keep all of that. */
export function keptBind(message: BoundMessage): BoundMessage {
  const isLoose = message.parameters.some((value) => value !== null && value.length * 2 < value.buffer.byteLength)
  if (!isLoose) return message
  return { ...message, parameters: message.parameters.map((value) => (value === null ? null : Buffer.from(value))) }
}
