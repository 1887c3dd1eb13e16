// Sentences of the audit: known actions read well, unknown ones are shown as they are.
import type { AdminAction } from '@sallyport/api/recordings'
import { describe, expect, it } from 'vitest'
import { actionObject, actionText, actorText, csvRow, matchesWords } from './actions.ts'

const action = (fields: Partial<AdminAction>): AdminAction => ({
  id: '1',
  at: '2026-01-01T00:00:00.000Z',
  actor: 'https://idp ann',
  action: 'apply',
  object: 'Policy/orders',
  detail: {},
  ...fields,
})

describe('what an administrator did, as a sentence', () => {
  it.each([
    [{ detail: { change: 'created', version: 1 } }, 'created'],
    [{ detail: { change: 'updated', version: 4 } }, 'applied version 4 of'],
    [{ action: 'revoke-agent' }, 'revoked'],
    [{ action: 'kill-session', detail: { reason: 'runaway' } }, 'ended'],
    [{ action: 'approve', object: 'Approval/1' }, 'approved'],
    [{ action: 'cancel-request', object: 'Approval/1' }, 'cancelled'],
    [{ action: 'webhook-disable', actor: 'control plane' }, 'disabled'],
    [{ action: 'confirm-login', object: 'Person/https://idp ann' }, 'logged in a command line as'],
    [{ action: 'record-refused' }, 'sent a record that does not verify, of'],
    [{ action: 'constructor' }, 'did “constructor” on'],
  ])('%#', (fields, verb) => {
    expect(actionText(action(fields)).verb).toBe(verb)
  })

  it('an action that nobody knows is shown as it is', () => {
    expect(actionText(action({ action: 'paint-ship' }))).toEqual({
      group: 'other',
      verb: 'did “paint-ship” on',
      rest: '',
    })
  })

  it('keeps the reason', () => {
    expect(actionText(action({ action: 'kill-session', detail: { reason: 'runaway' } })).rest).toBe('because “runaway”')
  })
})

describe('what it was done to', () => {
  it.each([
    ['Policy/orders', 'policy', '/policies/orders'],
    ['Target/a b', 'target', '/targets?open=a%20b'],
    ['Agent/eu-1', 'agent', '/agents?open=eu-1'],
    ['Session/00ff', 'session', '/sessions/00ff'],
    ['Group/dba', 'group', null],
    ['Ship/x/y', 'Ship', null],
  ])('%s', (object, kind, href) => {
    expect(actionObject(object)).toMatchObject({ kind, href })
  })

  it('an id is told by its beginning, and leads to the whole of it', () => {
    const id = '5970d0667f8834719d3009af611d5066'
    expect(actionObject(`Session/${id}`)).toEqual({ kind: 'session', name: '5970d066', href: `/sessions/${id}` })
    expect(actorText(`agent ${id}`).name).toBe('agent 5970d066')
  })

  it('a name may hold slashes', () => {
    expect(actionObject('Ship/x/y').name).toBe('x/y')
  })
})

it('an actor is a person with an issuer, an agent, or the installation', () => {
  expect(actorText('https://idp ann')).toEqual({ name: 'ann', issuer: 'https://idp', kind: 'person' })
  expect(actorText('agent 0a')).toEqual({ name: 'agent 0a', issuer: '', kind: 'agent' })
  expect(actorText('control plane')).toEqual({ name: 'control plane', issuer: '', kind: 'system' })
  expect(actorText('bootstrap')).toEqual({ name: 'bootstrap', issuer: '', kind: 'system' })
})

it('the filter looks at all words, wherever they stand', () => {
  const one = action({ detail: { change: 'updated', version: 4 } })
  expect(matchesWords(one, 'ANN  orders')).toBe(true)
  expect(matchesWords(one, 'ann invoices')).toBe(false)
  expect(matchesWords(one, '')).toBe(true)
})

it('a row of the export holds the sentence and everything raw', () => {
  expect(csvRow(action({ detail: { change: 'created', version: 1 } }))).toEqual([
    '2026-01-01T00:00:00.000Z',
    'https://idp ann',
    'apply',
    'Policy/orders',
    'ann created Policy/orders',
    '{"change":"created","version":1}',
    '1',
  ])
})
