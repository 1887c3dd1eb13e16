// One message in one meaning, or none: what JSON-RPC could be taken for two things is refused (THREATS ).
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../protocol-error.ts'
import { idKey, messageText, readMessage } from './message.ts'

const bounds = { depthMax: 16, entriesMax: 100 }
const read = (text: string) => readMessage(text, bounds)

describe('a message', () => {
  it.each([
    ['a request', '{"jsonrpc":"2.0","id":1,"method":"ping","params":{}}', 'request'],
    ['a request with a text as its id', '{"jsonrpc":"2.0","id":"a","method":"ping","params":{}}', 'request'],
    ['a notification', '{"jsonrpc":"2.0","method":"notifications/initialized","params":{}}', 'notification'],
    ['an answer', '{"jsonrpc":"2.0","id":1,"result":{"a":[1,-0.5,"x",null,true]}}', 'response'],
    ['an error', '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no","data":{}}}', 'response'],
    ['an error in answer to nothing', '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}', 'response'],
  ])('is read as %s and written as it was', (_, text, kind) => {
    const message = read(text)
    expect(message.kind).toBe(kind)
    expect(messageText(message)).toBe(text)
  })

  it('keeps whole numbers to the last digit', () => {
    const text = '{"jsonrpc":"2.0","id":1,"result":{"n":9223372036854775807}}'
    expect(messageText(read(text))).toBe(text)
  })

  it('tells 1 from "1"', () => {
    expect(idKey(1n)).not.toBe(idKey('1'))
  })

  it.each([
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]'],
    ['an empty batch', '[]'],
    ['two messages', '{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}'],
    ['one name twice', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}'],
    ['one name twice, escaped', '{"jsonrpc":"2.0","id":1,"method":"ping","\\u006dethod":"tools/call"}'],
    ['one name twice, in another case', '{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}'],
    ['one argument twice', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"a":1,"a":2}}}'],
    ['no version', '{"id":1,"method":"ping"}'],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"ping"}'],
    ['an id of null', '{"jsonrpc":"2.0","id":null,"method":"ping"}'],
    ['an id with a fraction', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}'],
    ['an id as a float', '{"jsonrpc":"2.0","id":1.0,"method":"ping"}'],
    ['an id that readers round', '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}'],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"ping"}'],
    ['an id that is a truth', '{"jsonrpc":"2.0","id":true,"method":"ping"}'],
    ['a method and a result', '{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}'],
    ['a result and an error', '{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}'],
    ['neither', '{"jsonrpc":"2.0","id":1}'],
    ['a method that is no text', '{"jsonrpc":"2.0","id":1,"method":7}'],
    ['params that are a list', '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}'],
    ['a result that is a text', '{"jsonrpc":"2.0","id":1,"result":"ok"}'],
    ['a member of another protocol', '{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}'],
    ['a result without an id', '{"jsonrpc":"2.0","result":{}}'],
    ['a comment', '{"jsonrpc":"2.0",/**/"id":1,"method":"ping"}'],
    ['nothing', ''],
    ['a text', '"ping"'],
    ['too many levels', `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${'['.repeat(20)}${']'.repeat(20)}}}`],
  ])('that is %s is refused (R-4.14)', (_, text) => {
    expect(() => read(text)).toThrow(ProtocolError)
  })
})
