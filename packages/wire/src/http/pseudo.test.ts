// What a head of HTTP/2 becomes, and which heads would be two requests once they stand in lines.
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../protocol-error.ts'
import { plainHead } from './pseudo.ts'

const good = [':method', 'POST', ':scheme', 'https', ':authority', 'a.example:6443', ':path', '/crm/x?a=1']
const without = (name: string): string[] => {
  const at = good.indexOf(name)
  return [...good.slice(0, at), ...good.slice(at + 2)]
}

describe('a head of HTTP/2', () => {
  it('is said as HTTP/1.1 would, with one cookie and its authority as host', () => {
    expect(plainHead([...good, 'cookie', 'a=b', 'x-a', '1', 'cookie', 'c=d', 'te', 'trailers'])).toEqual({
      method: 'POST',
      url: '/crm/x?a=1',
      raw: ['host', 'a.example:6443', 'x-a', '1', 'te', 'trailers', 'cookie', 'a=b; c=d'],
    })
  })
  it('may name its host in a field, and in both places if they agree', () => {
    expect(plainHead([...without(':authority'), 'host', 'b']).raw).toEqual(['host', 'b'])
    expect(plainHead([...good, 'host', 'a.example:6443']).raw).toEqual(['host', 'a.example:6443'])
  })
  it('of CONNECT has neither scheme nor path', () => {
    expect(plainHead([':method', 'CONNECT', ':authority', 'a:443'])).toMatchObject({ method: 'CONNECT', url: '' })
  })
  it.each([
    ['two authorities', [...good, 'host', 'b']],
    ['an authority in other capitals', [...good, 'host', 'A.example:6443']],
    ['two hosts', [...without(':authority'), 'host', 'a', 'host', 'b']],
    ['userinfo', [...without(':authority'), ':authority', 'u@a']],
    ['an authority with a path', [...without(':authority'), ':authority', 'a/b']],
    ['an empty authority', [...without(':authority'), ':authority', '']],
    ['a path given twice', [...good, ':path', '/y']],
    ['a method given twice', [...good, ':method', 'GET']],
    ['a pseudo-header behind a field', [...good.slice(0, 6), 'x-a', '1', ':path', '/x']],
    ['an unknown pseudo-header', [...good, ':protocol', 'websocket']],
    ['the pseudo-header of answers', [...good, ':status', '200']],
    ['no path', without(':path')],
    ['an empty path', [...without(':path'), ':path', '']],
    ['no scheme', without(':scheme')],
    ['another scheme', [...without(':scheme'), ':scheme', 'http']],
    ['a transfer coding', [...good, 'transfer-encoding', 'chunked']],
    ['Connection', [...good, 'connection', 'x-a']],
    ['Keep-Alive', [...good, 'keep-alive', 'timeout=5']],
    ['Upgrade', [...good, 'upgrade', 'websocket']],
    ['TE with more than trailers', [...good, 'te', 'trailers, deflate']],
    ['capitals', [...good, 'X-A', '1']],
    ['a line break', [...good, 'x-a', 'b\r\nhost: c']],
    ['a bare LF', [...good, 'x-a', 'b\nc']],
    ['a NUL', [...good, 'x-a', 'b\0']],
    ['a line break in the path', [...without(':path'), ':path', '/x HTTP/1.1\r\nHost: b']],
    ['a space at the end', [...good, 'x-a', 'b ']],
  ])('with %s is refused', (_, raw) => {
    expect(() => plainHead(raw)).toThrow(ProtocolError)
  })
})
