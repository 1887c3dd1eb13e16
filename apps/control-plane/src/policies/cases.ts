// Cases that are kept beside a policy, run: each is explained as its caller, and what comes out is held against what the
// case expects. The same code decides as in the data path; nothing is run at a target and nothing is stored.
import type { PolicyTestRequest, PolicyTestResult, TestCaller } from '@sallyport/api/policies'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import type { Chain, Principal } from '@sallyport/base/identity'
import { explainStatements, type StatementExplanation } from '@sallyport/policy/explain'
import type { z } from 'zod'
import { catalogs, courts, databaseOf, documentsFor, factsOf, type JudgingDeps } from './judging.ts'

type Case = PolicyTestRequest['cases'][number]
type CaseResult = PolicyTestResult['cases'][number]

export async function testPolicies(deps: JudgingDeps, asked: PolicyTestRequest): Promise<PolicyTestResult> {
  const court = courts(await documentsFor(deps, asked.yaml))
  const catalogOf = catalogs(deps)
  const cases: CaseResult[] = []
  for (const one of asked.cases) {
    const name = one.target ?? asked.target
    const { policies, ...opened } = court(name)
    const target = databaseOf(opened.target)
    const role = target.spec.roles[0]?.name ?? ''
    const catalog = await catalogOf(name, role)
    const chain = chainOfCase(asked, one)
    cases.push(
      outcomeOf(
        one,
        () =>
          explainStatements({
            policies,
            catalog,
            chain,
            context: {
              session: {
                id: '0'.repeat(32),
                upstreamRole: role,
                database: target.spec.database,
                clientAddress: one.session.clientAddress ?? '127.0.0.1',
                applicationName: one.session.applicationName ?? 'test',
                tls: true,
                authentication: one.session.authentication ?? 'jwt-password',
              },
              parameters: one.parameters,
              nowMs: one.at === undefined ? deps.clock.nowMs() : Date.parse(one.at),
            },
            statements: factsOf(deps, one.sql, catalog, target),
          }).statements,
      ),
    )
  }
  const passed = cases.filter((one) => one.passed).length
  return { passed, failed: cases.length - passed, cases }
}

function chainOfCase({ callers }: PolicyTestRequest, { name, caller }: Case): Chain {
  const found = Object.hasOwn(callers, caller) ? callers[caller] : undefined
  if (found === undefined)
    throw new SallyportError('REQUEST_INVALID', `case "${name}" has a caller "${caller}" that is not in callers`)
  return { initiator: principalOf(found), actors: found.actors.map(principalOf) }
}

const principalOf = (asker: Omit<z.infer<typeof TestCaller>, 'actors'>): Principal => ({
  kind: asker.kind,
  issuer: asker.issuer,
  subject: asker.subject,
  groups: asker.groups,
  claims: asker.claims,
  display: asker.subject,
  assurance: 'verified',
})

const order = { allow: 0, hold: 1, deny: 2 } as const

/** The strictest statement speaks for a text, as it does in the data path. */
function outcomeOf(one: Case, explain: () => readonly StatementExplanation[]): CaseResult {
  try {
    const all = explain()
    const strictest = all.reduce<StatementExplanation | null>(
      (found, next) => (found === null || order[next.decision] > order[found.decision] ? next : found),
      null,
    )
    if (strictest === null)
      return {
        name: one.name,
        passed: false,
        problems: ['the text holds no statement'],
        decision: null,
        rule: '',
        message: '',
      }
    const problems = problemsOf(one, strictest)
    const { decision, message } = strictest
    return { name: one.name, passed: problems.length === 0, problems, decision, rule: ruleOf(strictest), message }
  } catch (thrown) {
    const { message } = asSallyportError(thrown)
    return { name: one.name, passed: false, problems: [message], decision: null, rule: '', message }
  }
}

const ruleOf = ({ policy, rule }: StatementExplanation): string => (policy === '' ? rule : `${policy}/${rule}`)

function problemsOf({ expect }: Case, found: StatementExplanation): string[] {
  const problems: string[] = []
  const compare = (what: string, wanted: unknown, got: unknown): void => {
    if (wanted !== undefined && JSON.stringify(wanted) !== JSON.stringify(got))
      problems.push(`${what}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`)
  }
  compare('decision', expect.decision, found.decision)
  compare('rule', expect.rule, ruleOf(found))
  compare('code', expect.code, found.code)
  compare(
    'limits',
    expect.limits,
    found.limits.map(({ name }) => name),
  )
  if (expect.message !== undefined && !found.message.includes(expect.message))
    problems.push(`message: expected part ${JSON.stringify(expect.message)}, got ${JSON.stringify(found.message)}`)
  for (const [column, mask] of Object.entries(expect.masked ?? {})) {
    const output = found.output?.find(({ name }) => name === column)
    if (output === undefined) problems.push(`masked: there is no result column "${column}"`)
    else compare(`mask of "${column}"`, mask, output.mask)
  }
  return problems
}
