// One stack for a file of tests: started before the first, stopped without a trace after the last.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, expect } from 'vitest'
import { root, type Stack, type StackOptions, startStack } from './stack.ts'

/** Call it at the top of a file; the stack is there inside tests and hooks. */
export function useStack(options: StackOptions = {}): () => Stack {
  let stack: Stack | undefined
  beforeAll(async () => {
    stack = await startStack(options)
  }, 180_000)
  afterAll(async () => {
    await stack?.stop()
  }, 60_000)
  return () => {
    if (stack === undefined) throw new Error('the stack is not started yet')
    return stack
  }
}

/** psql is the one program that the tests use and that npm does not bring; where it is absent its cases show as skipped. */
export const hasPsql = spawnSync('psql', ['--version']).status === 0

const headings = new Set(
  [...readFileSync(join(root, 'docs', 'errors.md'), 'utf8').matchAll(/^## ([A-Z_]+)$/gm)].map((match) => match[1]),
)

/** The code is explained in docs/errors.md. */
export function expectExplained(code: string): void {
  expect(headings.has(code), `docs/errors.md has no heading ${code}`).toBe(true)
}

/** What PostgreSQL's protocol answered, or what the connection failed with. */
export interface Refused {
  readonly sqlstate: string
  readonly message: string
  /** Our code, which stands in the hint. */
  readonly code: string
  readonly hint: string
}

/** Runs until it is refused; fails when it is not. */
export async function refusalOf(run: () => Promise<unknown>): Promise<Refused> {
  const thrown: any = await run().then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown, 'nothing was refused').toBeDefined()
  const hint = String(thrown.hint ?? '')
  return {
    sqlstate: String(thrown.code ?? ''),
    message: String(thrown.message),
    code: /([A-Z][A-Z_]+), see https:/.exec(hint)?.[1] ?? '',
    hint,
  }
}

/** Connects, runs and always ends. */
export async function using<T>(client: pg.Client, run: (client: pg.Client) => Promise<T>): Promise<T> {
  client.on('error', () => {})
  try {
    await client.connect()
    return await run(client)
  } finally {
    await client.end().catch(() => {})
  }
}
