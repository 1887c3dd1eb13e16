// Who may act for whom: the rules of a target and the claim of a person's token.
import type { Principal } from '@sallyport/base/identity'
import { describe, expect, it } from 'vitest'
import { actorWithoutRight, tokenLets } from './may-act.ts'

const principal = (subject: string, group: string, more: Partial<Principal> = {}): Principal => ({
  kind: 'workload',
  issuer: 'https://platform.test',
  subject,
  groups: [group],
  claims: {},
  display: subject,
  assurance: 'verified',
  ...more,
})
const ann = principal('ann', 'customers', { kind: 'user', issuer: 'https://idp.test' })
const web = principal('web', 'functions')
const mailer = principal('mailer', 'mailers')
const rule = (actors: string, initiators: string) => ({
  actors: { groups: [actors] },
  initiators: { groups: [initiators] },
})
const target = (mayAct?: object[]) => ({ spec: { mayAct } }) as never

describe('the rules of a target', () => {
  it.each([
    ['no rule', undefined, [web], 'web'],
    ['an empty list', [], [web], 'web'],
    ['the rule', [rule('functions', 'customers')], [web], undefined],
    ['a rule for other people', [rule('functions', 'clerks')], [web], 'web'],
    ['a rule for other functions', [rule('mailers', 'customers')], [web], 'web'],
    ['halves of two rules', [rule('functions', 'clerks'), rule('mailers', 'customers')], [web], 'web'],
    ['one of two actors', [rule('functions', 'customers')], [mailer, web], 'mailer'],
    ['both', [rule('functions', 'customers'), rule('mailers', 'customers')], [mailer, web], undefined],
    ['nobody in between', [], [], undefined],
  ])('%s', (_, mayAct, actors, without) => {
    expect(actorWithoutRight(target(mayAct), { initiator: ann, actors })?.subject).toBe(without)
  })
})

describe('may_act of a token', () => {
  it.each([
    [undefined, true],
    [{ sub: 'web', iss: 'https://platform.test' }, true],
    [{ sub: 'web' }, false],
    [{ sub: 'mailer', iss: 'https://platform.test' }, false],
    [{ iss: 'https://platform.test' }, false],
    ['web', false],
    [null, false],
  ])('%j: %s', (mayAct, lets) => {
    expect(tokenLets(mayAct, 'https://idp.test', web)).toBe(lets)
  })
})
