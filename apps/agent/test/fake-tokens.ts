// The control plane's side of tokens for one use: yes for the first who asks, and every question that was asked.
import type { Tokens } from '../src/link/tokens.ts'

export interface FakeTokens {
  readonly tokens: Tokens
  readonly asked: string[]
  readonly behaviour: { isUp: boolean }
}

export function fakeTokens(): FakeTokens {
  const asked: string[] = []
  const behaviour = { isUp: true }
  return {
    asked,
    behaviour,
    tokens: {
      take(jti) {
        const isFirst = behaviour.isUp && !asked.includes(jti)
        asked.push(jti)
        return Promise.resolve(isFirst)
      },
    },
  }
}
