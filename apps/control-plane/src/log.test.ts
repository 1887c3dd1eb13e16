// What the log keeps of errors and of fields that hold secrets.
import { describe, expect, it } from 'vitest'
import { createLog, describeError } from './log.ts'

describe('an error in the log', () => {
  it('is type, code, message and causes; what else a library hangs on it stays out', () => {
    const inner = Object.assign(new Error('refused'), { body: { id_token: 'eyJ.secret' } })
    const outer = Object.assign(new Error('login failed', { cause: inner }), { code: 'X1', response: 'eyJ.secret' })
    const shown = describeError(outer)
    expect(shown).toMatchObject({ type: 'Error', code: 'X1', message: 'login failed', cause: { message: 'refused' } })
    expect(JSON.stringify(shown)).not.toContain('secret')
  })
  it('ends although causes go in a circle', () => {
    const error = new Error('one')
    error.cause = error
    expect(JSON.stringify(describeError(error)).match(/"message":"one"/g)).toHaveLength(6)
  })
  it.each([[undefined], ['eyJ.secret'], [{ token: 'eyJ.secret' }]])(
    'that is none shows nothing of itself: %j',
    (thrown) => {
      expect(JSON.stringify(describeError(thrown))).not.toContain('secret')
    },
  )
})

describe('the log', () => {
  it('hides fields by their names, at the top and one below', () => {
    const lines: string[] = []
    const log = createLog('info', (line) => void lines.push(line))
    log.info({ event: 'x', token: 'eyJ.secret', person: { password: 'eyJ.secret', id: 'p1' } })
    expect(lines.join('')).not.toContain('secret"}')
    expect(lines.join('')).not.toContain('eyJ')
    expect(lines.join('')).toContain('"id":"p1"')
  })
})
