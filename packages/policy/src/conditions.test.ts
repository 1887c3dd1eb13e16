// Conditions: what type-checks, what each evaluates to, and that nothing a caller sends makes one slow.

import { limits } from '@sallyport/base/limits'
import { describe, expect, it } from 'vitest'
import { compileCondition, conditionFacts, conditionListMax } from './conditions.ts'
import { chain, context, facts, principal } from './testing.ts'

const caller = principal('ann in engineering', {
  level: 3,
  admin: true,
  team: { name: 'data' },
  tags: ['a', 'b'],
  auth_time: '2026-07-01T11:50:00Z',
})

function evaluate(source: string, more: Parameters<typeof context>[1] = {}): string {
  const compiled = compileCondition(source)
  if ('problem' in compiled) return `${compiled.problem.start}: ${compiled.problem.message}`
  const given = context(chain('ann in engineering', 'api workload in services'), {
    parameters: ['42', null],
    ...more,
  })
  const statement = facts(['select public.orders', 'derived select public.customers'], {
    text: 'select * from orders where id = $1',
    functions: [{ name: 'public.total()', volatility: 'stable', pure: false }],
  })
  return compiled.condition.evaluate(
    conditionFacts(caller, statement, given, { name: 'shop', labels: { env: 'prod' } }),
  )
}

describe('a condition', () => {
  it.each([
    ['caller.kind == "user" && caller.verified', 'true'],
    ['caller.issuer == "https://issuer.example" && caller.subject == "ann"', 'true'],
    ['"engineering" in caller.groups', 'true'],
    ['"dba" in caller.groups', 'false'],
    ['caller.claims.level >= 3', 'true'],
    ['caller.claims.admin == true', 'true'],
    ['caller.claims.team.name == "data"', 'true'],
    ['"b" in caller.claims.tags', 'true'],
    ['has(caller.claims.missing)', 'false'],
    ['caller.claims.missing == 1', 'error'],
    ['has(caller.claims.missing) && caller.claims.missing == 1', 'false'],
    ['caller.claims.level.startsWith("x")', 'error'],
    ['now - timestamp(string(caller.claims.auth_time)) < duration("15m")', 'true'],
    ['initiator.subject == "ann"', 'true'],
    ['actors.exists(a, a.kind == "workload" && "services" in a.groups)', 'true'],
    ['size(actors) == 1', 'true'],
    ['target.name == "shop" && target.labels.env == "prod"', 'true'],
    ['target.labels.missing == "x"', 'error'],
    ['session.upstreamRole == "app" && session.database == "shop" && session.tls', 'true'],
    ['session.clientAddress.startsWith("192.0.2.")', 'true'],
    ['session.applicationName == "test" && session.authentication == "jwt" && session.id != ""', 'true'],
    ['session.strength == 0 && session.strength < 3', 'true'],
    ['statement.verb == "select" && statement.filtered', 'true'],
    [
      'statement.effects.exists(e, e.operation == "select" && e.object == "public.customers" && e.via == "derived")',
      'true',
    ],
    ['statement.effects.all(e, e.object.like("public.*"))', 'true'],
    ['"public.total()" in statement.functions', 'true'],
    ['statement.text.contains("where")', 'true'],
    ['statement.text.like("select*from orders*")', 'true'],
    ['statement.fingerprint == "0123456789abcdef"', 'true'],
    ['statement.parameters[0] == "42" && int(statement.parameters[0]) == 42', 'true'],
    ['statement.parameters[1] == null', 'true'],
    ['statement.parameters[9] == "x"', 'error'],
    ['statement.parameters.filter(p, p != null).size() == 1', 'true'],
    ['now.getHours() == 12 && now.getHours("Europe/Berlin") == 14 && now.getHours("Asia/Kolkata") == 17', 'true'],
    ['now.getMinutes("Asia/Kolkata") == 30', 'true'],
    ['now.getDayOfWeek("Europe/Berlin") == 3 && now.getMonth() == 6 && now.getDate() == 1', 'true'],
    ['now.getDayOfMonth() == 0 && now.getDayOfYear() == 181 && now.getFullYear() == 2026', 'true'],
    ['now > timestamp("2026-01-01T00:00:00Z") && timestamp("2027-01-01T00:00:00Z") > now', 'true'],
    ['now + duration("13h") > timestamp("2026-07-02T00:00:00Z")', 'true'],
    ['(now + duration("12h")).getDate("Europe/Berlin") == 2', 'true'],
    ['1 / 0 == 1', 'error'],
    ['caller.claims.constructor == "x"', 'error'],
  ])('%s is %s', (source, expected) => {
    expect(evaluate(source)).toBe(expected)
  })

  it.each([
    ['statement.foo == 1', '10: no such key: foo'],
    ['stament.verb == "select"', '0: unknown variable: stament'],
    ['statement.verb == 1', '0: no such overload: string == int'],
    ['statement.verb', '0: the condition is of type "string"; it must be true or false'],
    ['caller.claims.admin', '0: the condition may be anything'],
    ['caller.groups == "dba"', '0: no such overload'],
    ['1 +', '3: unexpected token'],
    ['', '0: unexpected token'],
    ['caller == initiator', '0: no such overload'],
    ['statement.text.matches("(a+)+$")', '0: "matches" is not available'],
    ['statement.text.split(",").size() > 1', '0: "split" is not available'],
    ['cel.bind(x, statement.text + statement.text, x == "")', '0: "bind" is not available'],
    [
      'statement.effects.exists(a, statement.effects.exists(b, a.object == b.object))',
      '28: "exists" stands inside another loop',
    ],
    ['now.getHours("Mars/Olympus") == 1', '0: "Mars/Olympus" is not a time zone'],
    ['now.getHours(caller.subject) == 1', '0: the time zone must be written as a text'],
    ['mysql.user == "read"', '0: unknown variable: mysql'],
  ])('%s is refused: %s', (source, expected) => {
    expect(evaluate(source)).toContain(expected)
  })

  it('may have as many characters as the limit says and not one more', () => {
    const ofLength = (length: number): string => `statement.verb == "${'x'.repeat(length - 20)}"`
    expect(ofLength(limits.celCharsMax)).toHaveLength(limits.celCharsMax)
    expect(evaluate(ofLength(limits.celCharsMax))).toBe('false')
    expect(evaluate(ofLength(limits.celCharsMax + 1))).toContain('at most 4000 are allowed')
  })

  it('is refused where it nests or grows past its bounds', () => {
    expect(evaluate(`${'('.repeat(100)}true${')'.repeat(100)}`)).toMatch(/^\d+: /)
    expect(evaluate(`${'!'.repeat(2_000)}true`)).toMatch(/^\d+: /)
    expect(evaluate(Array.from({ length: 600 }, () => '1<2').join('||'))).toMatch(/^\d+: /)
  })

  it('reads a list up to its bound and fails past it', () => {
    const source = 'statement.parameters.exists(p, p == "x")'
    const ofLength = (length: number) => ({ parameters: Array.from({ length }, () => 'y') })
    expect(evaluate(source, ofLength(conditionListMax))).toBe('false')
    expect(evaluate(source, ofLength(conditionListMax + 1))).toBe('error')
    expect(evaluate('statement.verb == "select"', ofLength(conditionListMax + 1))).toBe('true')
  })

  it('reads of a claimed principal only that it is claimed', () => {
    const claimed = context(chain('claimed ann in dba', 'api workload'))
    for (const field of ['kind', 'issuer', 'subject']) {
      expect(evaluate(`initiator.${field} == "x"`, { chain: claimed.chain })).toBe('error')
    }
    expect(evaluate('"dba" in initiator.groups', { chain: claimed.chain })).toBe('error')
    expect(evaluate('has(initiator.claims.x)', { chain: claimed.chain })).toBe('error')
    expect(evaluate('initiator.verified', { chain: claimed.chain })).toBe('false')
    expect(evaluate('!initiator.verified || initiator.subject == "ann"', { chain: claimed.chain })).toBe('true')
  })
})

describe('zones', () => {
  // Winter and summer time of 2026 in Berlin change at 01:00 UTC on 29 March and 25 October.
  it.each([
    ['2026-03-29T00:59:59Z', 1],
    ['2026-03-29T01:00:00Z', 3],
    ['2026-10-25T00:59:59Z', 2],
    ['2026-10-25T01:00:00Z', 2],
    ['2026-10-25T02:00:00Z', 3],
    ['2026-06-30T22:00:00Z', 0],
  ])('%s is hour %i in Berlin', (instant, hour) => {
    expect(evaluate(`now.getHours("Europe/Berlin") == ${hour}`, { nowMs: Date.parse(instant) })).toBe('true')
  })
})
