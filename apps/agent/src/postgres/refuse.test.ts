// Errors as clients see them: our own, and what stays of the target's (THREATS ).
import { SallyportError } from '@sallyport/base/errors'
import type { NoticeFields } from '@sallyport/wire/postgres/messages'
import { describe, expect, it } from 'vitest'
import { endingFields, errorFields, neutralText, scrubFields } from './refuse.ts'

const secret = '123-45-6789'
const everyField: NoticeFields = [...'SVCMDHPpqWstcdnFLR'].map((code) => [code, code === 'C' ? '23505' : secret])

describe('our own errors', () => {
  it('carry SQLSTATE, message, next step, code and page', () => {
    const error = new SallyportError('TLS_REQUIRED', 'tls is required', {
      hint: 'use sslmode',
      cause: new Error(secret),
    })
    const fields = Object.fromEntries(errorFields(error, 'FATAL'))
    expect(fields).toEqual({
      S: 'FATAL',
      V: 'FATAL',
      C: '28000',
      M: 'tls is required',
      H: 'use sslmode (TLS_REQUIRED, see https://sallyport.dev/docs/errors#tls_required)',
    })
  })

  it('point at the place in the text when there is one', () => {
    const error = new SallyportError('STATEMENT_SYNTAX', 'syntax error')
    expect(errorFields(error, 'ERROR', 8)).toContainEqual(['P', '8'])
  })
})

describe('R-1.11: the end of a session by the target', () => {
  it.each([
    ['57P01', 'terminating connection due to administrator command'],
    ['25P03', 'terminating connection due to idle-in-transaction timeout'],
    ['28000', undefined],
    ['XX000', undefined],
    ['', undefined],
  ])('%s is told as %s', (sqlstate, message) => {
    const fields = endingFields(sqlstate)
    expect(fields === undefined ? undefined : Object.fromEntries(fields)).toEqual(
      message === undefined ? undefined : { S: 'FATAL', V: 'FATAL', C: sqlstate, M: message },
    )
  })
})

describe('R-1.27: a scrubbed error', () => {
  it('keeps S, V, C and P, and no other text of the target', () => {
    const scrubbed = scrubFields(everyField)
    expect(scrubbed.map(([code]) => code)).toEqual(['S', 'V', 'C', 'M', 'H', 'P'])
    expect(JSON.stringify(scrubbed.filter(([code]) => code === 'M' || code === 'H'))).not.toContain(secret)
  })

  it.each([
    ['57014', true],
    ['25P02', true],
    ['40001', true],
    ['22P02', false],
    ['23514', false],
    ['P0001', false],
    ['42703', false],
    ['', false],
    ['ZZZZZ', false],
  ])('with SQLSTATE %s keeps its message: %s', (sqlstate, keeps) => {
    const [message] = scrubFields([
      ['C', sqlstate],
      ['M', 'the words'],
    ]).filter(([code]) => code === 'M')
    expect(message?.[1]).toBe(keeps ? 'the words' : neutralText(sqlstate))
    expect(message?.[1]).not.toBe('')
  })
})
