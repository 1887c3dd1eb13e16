// Which settings an admitted session may change without coverage, at the limits of their values.
// THREATS.
import { fingerprintSync, loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { analyse } from './analyse.ts'
import type { Effect, StatementFacts } from './facts.ts'
import { parsePath } from './settings.ts'
import { buildCatalog } from './testing-catalog.ts'

const parser = {
  parse: (text: string) => {
    const { version = 0, stmts = [] } = parseSync(text)
    return { version, stmts }
  },
  fingerprint: fingerprintSync,
}

beforeAll(() => loadModule())

function factsOf(sql: string, writable: readonly string[], isMasked: boolean): readonly StatementFacts[] {
  const catalog = buildCatalog({ relations: { 'public.t': ['id int4'], 'hr.t': ['id int4'] }, writable })
  const context = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' as const, isMasked }
  const analysis = analyse(sql, catalog, context, parser)
  if (analysis.kind === 'syntax') throw new Error(analysis.message)
  return analysis.statements
}

const effectsOf = (sql: string, writable: readonly string[] = []): readonly Effect[] =>
  factsOf(sql, writable, false).flatMap((facts) => facts.effects)

const unknownsOf = (sql: string, isMasked: boolean): readonly string[] =>
  factsOf(sql, [], isMasked).flatMap((facts) => facts.unknowns)

function baseline(sql: string, writable: readonly string[] = []): boolean {
  const effects = effectsOf(sql, writable)
  expect(effects.length).toBeGreaterThan(0)
  return effects.every((effect) => effect.baseline)
}

describe('SET', () => {
  it.each([
    ["SET statement_timeout = '300s'", true],
    ['SET statement_timeout = 300000', true],
    ['SET statement_timeout = 300001', false],
    ["SET statement_timeout = '5min'", true],
    ["SET statement_timeout = '6min'", false],
    ["SET statement_timeout = '1h'", false],
    ["SET statement_timeout = '1us'", false],
    ["SET statement_timeout = '1000us'", true],
    ['SET statement_timeout = 1', true],
    ['SET statement_timeout = 0', false],
    ['SET statement_timeout = -1', false],
    ["SET lock_timeout = 'x'", false],
    ['SET idle_in_transaction_session_timeout = 0', false],
    ['SET client_min_messages = warning', true],
    ['SET client_min_messages = debug5', false],
    ["SET client_encoding TO 'utf8'", true],
    ["SET client_encoding TO 'UTF-8'", true],
    ["SET client_encoding TO 'LATIN1'", false],
    ['RESET client_encoding', false],
    ['SET standard_conforming_strings = off', false],
    ['RESET standard_conforming_strings', false],
    ['SET backslash_quote = on', false],
    ['SET array_nulls = off', false],
    ['SET transform_null_equals = on', false],
    ['SET quote_all_identifiers = on', false],
    ['SET log_min_messages = debug1', false],
    ['SET session_replication_role = replica', false],
    ['SET TimeZone = DEFAULT', true],
    ['SET LOCAL TimeZone = UTC', true],
    ["SET TIME ZONE INTERVAL '1' HOUR TO MINUTE", true],
    ['SET "application_name" = x', true],
    ['SET APPLICATION_NAME = x', true],
    ["SELECT set_config('statement_timeout', '0', false)", false],
    ["SELECT set_config('TimeZone', $1, false)", false],
    ["SELECT pg_catalog.set_config('search_path', '', false)", true],
    ["SELECT set_config('search_path', 'hr, public', false)", true],
    ['SHOW search_path', true],
    ['SHOW config_file', false],
  ])('%s', (sql, expected) => expect(baseline(sql)).toBe(expected))

  it('takes $user in a search_path only where no schema is writable', () => {
    expect(baseline('SET search_path = "$user", public')).toBe(true)
    expect(baseline('SET search_path = "$user", public', ['lab'])).toBe(false)
  })

  it('takes a schema in a search_path only where it is not writable', () => {
    expect(baseline('SET search_path = hr, public', ['lab'])).toBe(true)
    expect(baseline('SET search_path = lab', ['lab'])).toBe(false)
    expect(baseline("SET search_path = 'hr, lab'", ['lab'])).toBe(true)
  })
})

it.each([
  ['SET extra_float_digits = 3', true],
  ['SET extra_float_digits = 1', true],
  ['RESET extra_float_digits', true],
  ['SET extra_float_digits = 0', false],
  ['SET LOCAL extra_float_digits = -15', false],
  ["SELECT set_config('extra_float_digits', '-1', true)", false],
  ['SET enable_indexonlyscan = off', true],
  ['SET enable_indexonlyscan = on', false],
])('where masks apply, nobody decides by settings what a mask sees, or which index is read: %s', (sql, passes) => {
  expect(unknownsOf(sql, true)).toHaveLength(passes ? 0 : 1)
  expect(unknownsOf(sql, false)).toEqual([])
})

it('a setting that the gateway pins is not set by saying so once more', () => {
  expect(effectsOf('SET standard_conforming_strings = on')).toEqual([])
  expect(effectsOf("SELECT set_config('standard_conforming_strings', 'on', false)")).toEqual([])
  expect(effectsOf('SET standard_conforming_strings = off')).toHaveLength(1)
})

describe('parsePath', () => {
  it.each([
    ['', []],
    ['a, b', ['a', 'b']],
    ['A,"B"', ['a', 'B']],
    ['"$user", public', ['$user', 'public']],
    ['"a, b", c', ['a, b', 'c']],
    ['"a""b"', ['a"b']],
  ])('%j', (value, expected) => expect(parsePath(value)).toEqual(expected))
})
