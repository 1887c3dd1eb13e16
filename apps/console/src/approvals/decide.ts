// The steps from looking to a sent verdict. Pure: a key or a click goes in, the next step comes out, and only the step
// `sending` sends. Nothing is preselected; a high risk takes two presses; a denial takes a reason.

export type Verdict = 'approved' | 'denied'
export type Deciding =
  | { readonly step: 'looking' }
  /** Pressed once; a second press, later than a double click and before the time is over, sends. */
  | { readonly step: 'armed'; readonly digest: string; readonly atMs: number }
  | {
      readonly step: 'reasoning'
      readonly digest: string
      readonly verdict: Verdict
      readonly chips: readonly string[]
      readonly text: string
    }
  | { readonly step: 'sending'; readonly digest: string; readonly verdict: Verdict; readonly reason: string }

export type Act =
  | { readonly do: 'approve' }
  | { readonly do: 'deny' }
  | { readonly do: 'back' }
  | { readonly do: 'chip'; readonly chip: string }
  | { readonly do: 'type'; readonly text: string }
  | { readonly do: 'send' }
  | { readonly do: 'answered' }

export interface Rules {
  readonly isHighRisk: boolean
  /** Of approvals; a denial always needs one. */
  readonly reasonRequired: boolean
  /** Of what is on the screen. A press counts for this and nothing else: when it changes, the steps begin again. */
  readonly digest: string
  readonly nowMs: number
}

export const looking: Deciding = { step: 'looking' }
/** A second press sooner than this is the same press: a double click, a bouncing key. */
export const armedMsMin = 350
/** Later than this the first press is forgotten. */
export const armedMsMax = 8_000
export const reasonCharactersMax = 2_000

export const denyChips: readonly string[] = [
  'Too broad: narrow it down',
  'Not in production',
  'Needs a ticket',
  'Ask the owner first',
  'Looks wrong',
]

/** The reason as it is sent and as the caller reads it. */
export const reasonOf = (chips: readonly string[], text: string): string =>
  [...chips, text.trim()]
    .filter((part) => part !== '')
    .join('. ')
    .slice(0, reasonCharactersMax)

export function decide(state: Deciding, act: Act, rules: Rules): Deciding {
  if (act.do === 'answered') return looking
  if (state.step === 'sending') return state
  switch (act.do) {
    case 'approve':
      return approve(state, rules)
    case 'deny':
      return state.step === 'reasoning' && state.verdict === 'denied'
        ? state
        : { step: 'reasoning', digest: rules.digest, verdict: 'denied', chips: [], text: '' }
    case 'back':
      return looking
    case 'chip':
      return state.step === 'reasoning' ? { ...state, chips: toggled(state.chips, act.chip) } : state
    case 'type':
      return state.step === 'reasoning' ? { ...state, text: act.text } : state
    case 'send':
      return send(state, rules)
  }
}

function approve(state: Deciding, rules: Rules): Deciding {
  const { digest, nowMs } = rules
  if (rules.reasonRequired) {
    if (state.step === 'reasoning' && state.verdict === 'approved') return send(state, rules)
    return { step: 'reasoning', digest, verdict: 'approved', chips: [], text: '' }
  }
  const sending: Deciding = { step: 'sending', digest, verdict: 'approved', reason: '' }
  if (!rules.isHighRisk) return sending
  const isArmed = state.step === 'armed' && state.digest === digest && nowMs - state.atMs <= armedMsMax
  if (!isArmed) return { step: 'armed', digest, atMs: nowMs }
  return nowMs - state.atMs < armedMsMin ? state : sending
}

function send(state: Deciding, { digest }: Rules): Deciding {
  if (state.step !== 'reasoning') return state
  // What was written stays; the press has to be made again, for what is shown now.
  if (state.digest !== digest) return { ...state, digest }
  const reason = reasonOf(state.chips, state.text)
  return reason === '' ? state : { step: 'sending', digest, verdict: state.verdict, reason }
}

const toggled = (chips: readonly string[], chip: string): readonly string[] =>
  chips.includes(chip) ? chips.filter((each) => each !== chip) : [...chips, chip]
