// The storm itself: by a seed, now this and now that is cut or killed and started again, while the load goes on. Each
// thing is waited for until it is back, and the load until it has come on; what happened is told, so that it can be had again.
import { setTimeout as pause } from 'node:timers/promises'
import { randomFrom, shuffled } from '../bench/random.ts'
import type { Stack } from '../stack/stack.ts'
import { until } from '../stack/until.ts'
import type { Front } from './front.ts'
import type { Tally } from './tally.ts'

export interface StormOptions {
  readonly stack: Stack
  readonly fronts: readonly Front[]
  readonly tally: Tally
  readonly seed: number
  readonly ms: number
  /** Between two blows at most, in milliseconds. */
  readonly calmMsMax: number
  readonly say: (what: string) => void
}

type Blow = 'cut clients' | 'kill agent' | 'stop target' | 'kill control plane'

/** How often each thing comes, of so many in all; each comes at least once. */
const deck: readonly Blow[] = [
  ...Array<Blow>(6).fill('cut clients'),
  'kill agent',
  'kill agent',
  'stop target',
  'kill control plane',
]

/** Answers between two blows: the load is back. */
const answersMin = 30
const clientsCutMax = 8

/** Returns how often each thing happened. */
export async function storm(options: StormOptions): Promise<ReadonlyMap<string, number>> {
  const { tally, seed, ms, calmMsMax, say } = options
  const random = randomFrom(seed)
  const counts = new Map<string, number>()
  const end = performance.now() + ms
  let left = shuffled(deck, random)
  let isFirst = true
  while (performance.now() < end || isFirst) {
    const wanted = tally.answered.size + answersMin
    await until(`${answersMin} answers more`, () => tally.answered.size >= wanted, 120_000)
    await pause(random() * calmMsMax)
    const blow = left[0] ?? 'cut clients'
    left = left.slice(1)
    if (left.length === 0) {
      left = shuffled(deck, random)
      isFirst = false
    }
    say(blow)
    counts.set(blow, (counts.get(blow) ?? 0) + 1)
    await strike(blow, options, random)
  }
  return counts
}

async function strike(blow: Blow, { stack, fronts }: StormOptions, random: () => number): Promise<void> {
  switch (blow) {
    case 'cut clients': {
      const count = 1 + Math.floor(random() * clientsCutMax)
      for (let at = 0; at < count; at++) fronts[Math.floor(random() * fronts.length)]?.cut(random)
      return
    }
    case 'kill agent':
      await stack.agent.kill('SIGKILL')
      return await stack.startAgent()
    case 'stop target':
      // An immediate shutdown: every backend ends where it stands, and the next start recovers.
      process.kill(stack.target.pid, 'SIGQUIT')
      await stack.target.stop()
      return await stack.startTarget()
    case 'kill control plane':
      await stack.controlPlane.kill('SIGKILL')
      // Traffic goes on meanwhile.
      await pause(random() * 1_000)
      return await stack.startControlPlane()
  }
}
