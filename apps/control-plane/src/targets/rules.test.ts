// Addresses of agents.
import { describe, expect, it } from 'vitest'
import { addressOf } from './rules.ts'

describe('an agent address', () => {
  it.each([
    ['eu-1.example.com:6432', { host: 'eu-1.example.com', port: 6432 }],
    ['127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
    ['host:0', null],
    ['host:65536', null],
    ['host', null],
    [':6432', null],
    ['', null],
    ['a b:1', null],
    ['::1:6432', null],
  ])('%s', (text, expected) => {
    expect(addressOf(text)).toEqual(expected)
  })
})
