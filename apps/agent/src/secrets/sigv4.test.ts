// Signatures against the vectors that AWS publishes (aws-sig-v4-test-suite), and what a caller cannot take over.
import { describe, expect, it } from 'vitest'
import { type SignedRequest, signature } from './sigv4.ts'

const keys = { id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', session: null }
const scope = { region: 'us-east-1', service: 'service', nowMs: Date.UTC(2015, 7, 30, 12, 36) }
const request = (more: Partial<SignedRequest> = {}): SignedRequest => ({
  method: 'GET',
  host: 'example.amazonaws.com',
  path: '/',
  fields: [],
  body: Buffer.alloc(0),
  ...more,
})
const fieldOf = (fields: ReturnType<typeof signature>, name: string) =>
  fields.filter(([one]) => one === name).map(([, value]) => value)
const proofOf = (one: SignedRequest, more = {}) =>
  /Signature=([0-9a-f]{64})$/.exec(fieldOf(signature(one, keys, { ...scope, ...more }), 'authorization')[0] ?? '')?.[1]

describe('a signature', () => {
  it.each([
    ['get-vanilla', request(), '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', request({ method: 'POST' }), '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'get-vanilla-query-order-key-case',
      request({ path: '/?Param2=value2&Param1=value1' }),
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
  ])('%s', (_, one, proof) => {
    expect(proofOf(one)).toBe(proof)
    expect(fieldOf(signature(one, keys, scope), 'authorization')[0]).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20150830\/us-east-1\/service\/aws4_request, SignedHeaders=host;x-amz-date, /,
    )
  })
  it('is about method, host, path, query, body and all fields of AWS, and about no others', () => {
    const plain = proofOf(request())
    for (const other of [
      request({ method: 'PUT' }),
      request({ host: 'other.example' }),
      request({ path: '/a' }),
      request({ path: '/?a=' }),
      request({ body: Buffer.from('x') }),
      request({ fields: [['x-amz-acl', 'private']] }),
    ])
      expect(proofOf(other)).not.toBe(plain)
    expect(proofOf(request({ fields: [['accept', '*/*']] }))).toBe(plain)
  })
  it('takes the place of what the caller says of itself', () => {
    const theirs = ['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'].map(
      (name) => [name, 'theirs'] as const,
    )
    const fields = signature(request({ fields: theirs }), { ...keys, session: 'token' }, { ...scope, service: 's3' })
    expect(fields.filter(([, value]) => value === 'theirs')).toEqual([])
    expect(fieldOf(fields, 'x-amz-security-token')).toEqual(['token'])
    expect(fieldOf(fields, 'x-amz-content-sha256')[0]).toMatch(/^e3b0c44298fc1c14/)
    expect(fieldOf(fields, 'authorization')[0]).toContain(
      'SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token',
    )
  })
  it('of a path with signs is encoded twice, and for S3 once', () => {
    expect(proofOf(request({ path: '/a%20b' }))).not.toBe(proofOf(request({ path: '/a b' })))
    expect(proofOf(request({ path: '/a%2Cb' }), { service: 's3' })).toBe(
      proofOf(request({ path: '/a,b' }), { service: 's3' }),
    )
  })
})
