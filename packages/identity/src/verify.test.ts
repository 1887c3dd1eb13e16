// Every hostile token of THREATS that reaches an agent, beside the tokens that must pass.
import { errorCodes } from '@sallyport/base/errors'
import type { GroupDocument, TrustedIssuerDocument } from '@sallyport/policy/document'
import { CompactSign, exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { isStillTrusted } from './standing.ts'
import type { IssuerWithKeys, Trust } from './trust.ts'
import { initiatorTypes, isRevoked, verifyToken } from './verify.ts'

const nowMs = Date.UTC(2026, 10, 24, 12)
const now = nowMs / 1_000
const builtIn = 'https://sallyport.example'
const ci = 'https://ci.example'
const other = 'https://other.example'
const strict = 'https://strict.example'

type Keys = Awaited<ReturnType<typeof generateKeyPair>>
let ownKeys: Keys
let ciKeys: Keys
let otherKeys: Keys
let snapshot: Trust

const issuerDocument = (name: string, issuer: string, spec: Partial<TrustedIssuerDocument['spec']> = {}) =>
  ({
    apiVersion: 'sallyport.dev/v1',
    kind: 'TrustedIssuer',
    metadata: { name },
    spec: {
      issuer,
      principals: 'workload',
      audiences: ['sallyport-ci'],
      algorithms: ['ES256'],
      requiredClaims: {},
      maxLife: '1h',
      groupsClaim: 'groups',
      exposeClaims: [],
      ...spec,
    },
  }) satisfies TrustedIssuerDocument

const group = (name: string, members: GroupDocument['spec']['members']): GroupDocument => ({
  apiVersion: 'sallyport.dev/v1',
  kind: 'Group',
  metadata: { name },
  spec: { members },
})

beforeAll(async () => {
  ownKeys = await generateKeyPair('ES256', { extractable: true })
  ciKeys = await generateKeyPair('ES256', { extractable: true })
  otherKeys = await generateKeyPair('ES256', { extractable: true })
  const keys = async (pair: Keys, kid: string) => [{ ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256' }]
  const issuers = new Map<string, IssuerWithKeys>([
    [builtIn, { document: issuerDocument('sallyport', builtIn), jwks: { keys: await keys(ownKeys, 'own') } }],
    [
      ci,
      {
        document: issuerDocument('ci', ci, {
          requiredClaims: { environment: 'production', ref: ['main', 'release'] },
          exposeClaims: ['repository'],
        }),
        jwks: { keys: [...(await keys(ciKeys, 'ci-1')), ...(await keys(otherKeys, 'ci-2'))] },
      },
    ],
    [other, { document: issuerDocument('other', other), jwks: { keys: await keys(otherKeys, 'other') } }],
    [
      strict,
      {
        document: issuerDocument('strict', strict, { requiredClaims: { azp: 'ours' } }),
        jwks: { keys: await keys(ciKeys, 'ci-1') },
      },
    ],
  ])
  snapshot = {
    issuers,
    groups: [
      group('deployers', [{ issuer: ci, claim: 'deploy' }]),
      group('robots', [{ issuer: ci, subject: 'repo:acme/shop' }]),
      group('strangers', [{ issuer: other, claim: 'deploy' }]),
    ],
    revocations: [],
    audience: 'sallyport:acme',
  }
})

const ciClaims = { environment: 'production', ref: 'main', repository: 'acme/shop' }
const ownClaims = {
  sp_issuer: 'https://idp.example',
  sp_kind: 'user',
  sp_groups: ['engineering'],
  sp_name: 'Ann',
  sp_target: 'shop',
}

interface Made {
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  keys?: Keys
  iss?: string
  aud?: string | string[]
  sub?: string | undefined
  iat?: number | undefined
  exp?: number | undefined
  nbf?: number
  jti?: string
}

async function made(from: Made): Promise<string> {
  const payload = {
    iss: from.iss ?? ci,
    aud: from.aud ?? 'sallyport-ci',
    sub: 'sub' in from ? from.sub : 'repo:acme/shop',
    iat: 'iat' in from ? from.iat : now - 10,
    exp: 'exp' in from ? from.exp : now + 600,
    ...(from.nbf === undefined ? {} : { nbf: from.nbf }),
    ...(from.jti === undefined ? {} : { jti: from.jti }),
    ...(from.claims ?? ciClaims),
  }
  const signing = new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
  signing.setProtectedHeader({ alg: 'ES256', kid: 'ci-1', ...from.header })
  return await signing.sign((from.keys ?? ciKeys).privateKey)
}
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const goodClaims = { iss: ci, aud: 'sallyport-ci', sub: 'repo:acme/shop', iat: now - 10, exp: now + 600, ...ciClaims }
/** Signed by the right key, whatever its header says: no library would. */
async function signedAs(header: object): Promise<string> {
  const text = `${encode({ alg: 'ES256', kid: 'ci-1', ...header })}.${encode(goodClaims)}`
  const signature = await crypto.subtle.sign(
    { name: 'ECDSA', hash: 'SHA-256' },
    ciKeys.privateKey as never,
    new TextEncoder().encode(text),
  )
  return withSignature(`${text}.`, Buffer.from(signature))
}
const unsignedAs = (alg: string): string => `${encode({ alg, kid: 'ci-1' })}.${encode(goodClaims)}.`
const withAlgorithm = async (alg: string, key: Parameters<SignJWT['sign']>[0]): Promise<string> =>
  await new SignJWT(goodClaims).setProtectedHeader({ alg, kid: 'ci-1' }).sign(key)
const withSignature = (token: string, signature: Buffer): string =>
  [...token.split('.').slice(0, 2), signature.toString('base64url')].join('.')
const withClaims = (token: string, claims: object): string => {
  const [header, , signature] = token.split('.')
  return [header, encode({ ...goodClaims, ...claims }), signature].join('.')
}
const own = (from: Made = {}) =>
  made({
    iss: builtIn,
    aud: 'sallyport:acme',
    sub: 'ann',
    keys: ownKeys,
    ...from,
    header: { kid: 'own', typ: 'sallyport+jwt', ...from.header },
    claims: { ...ownClaims, ...from.claims },
  })

const codeOf = async (token: string, under: Partial<Trust> = {}): Promise<string> =>
  verifyToken(token, { ...snapshot, ...under }, nowMs).then(
    () => 'verified',
    (error: { code?: string }) => error.code ?? String(error),
  )

describe('a token of a trusted issuer', () => {
  it('gives a workload with mapped groups and exposed claims', async () => {
    const token = await made({ claims: { ...ciClaims, groups: ['deploy', 'unmapped'], secret: 'no' }, jti: 'j1' })
    const verified = await verifyToken(token, snapshot, nowMs)
    expect(verified.principal).toEqual({
      kind: 'workload',
      issuer: ci,
      subject: 'repo:acme/shop',
      groups: ['deployers', 'robots'],
      claims: { repository: 'acme/shop' },
      display: 'repo:acme/shop',
      assurance: 'verified',
    })
    expect(verified).toMatchObject({ target: null, upstreamRole: null, token: { issuer: ci, id: 'j1' } })
  })

  it('finds its key without a key id', async () => {
    expect(await codeOf(await made({ header: { kid: undefined }, keys: otherKeys }))).toBe('verified')
  })

  it('counts a group for the issuer that it was mapped for only', async () => {
    const token = await made({ iss: other, keys: otherKeys, header: { kid: 'other' }, claims: { groups: ['deploy'] } })
    expect((await verifyToken(token, snapshot, nowMs)).principal.groups).toEqual(['strangers'])
  })
})

describe('a token of the control plane', () => {
  it('gives the original person, for one target', async () => {
    const verified = await verifyToken(await own({ claims: { sp_role: 'app_rw' } }), snapshot, nowMs)
    expect(verified.principal).toMatchObject({
      kind: 'user',
      issuer: 'https://idp.example',
      subject: 'ann',
      groups: ['engineering'],
      display: 'Ann',
    })
    expect(verified).toMatchObject({ target: 'shop', upstreamRole: 'app_rw', token: { issuer: builtIn } })
  })

  it.each(['sp_issuer', 'sp_kind', 'sp_groups', 'sp_name', 'sp_target'])('is refused without %s', async (claim) => {
    expect(await codeOf(await own({ claims: { [claim]: undefined } }))).toBe('TOKEN_CLAIM_MISSING')
  })

  it('is refused for the audience that its document lists instead of the installation', async () => {
    expect(await codeOf(await own({ aud: 'sallyport-ci' }))).toBe('TOKEN_AUDIENCE_WRONG')
  })

  it.each([undefined, 'JWT', 'at+jwt', 'SALLYPORT+JWT'])('is refused as %s', async (typ) => {
    expect(await codeOf(await own({ header: { typ } }))).toBe('TOKEN_TYPE_WRONG')
  })

  it('does not lend its claims to another issuer', async () => {
    const token = await made({ claims: { ...ciClaims, ...ownClaims } })
    const verified = await verifyToken(token, snapshot, nowMs)
    expect(verified.principal.groups).toEqual(['robots'])
    expect(verified.target).toBeNull()
  })
})

describe('R-6.2: hostile tokens', () => {
  const seen = new Set<string>()
  it.each<[string, () => Promise<string> | string, string]>([
    ['nothing at all', () => '', 'TOKEN_MISSING'],
    ['a password', () => 'hunter2', 'TOKEN_INVALID'],
    ['three empty parts', () => '..', 'TOKEN_INVALID'],
    ['one byte more than is taken', () => 'a'.repeat(16_385), 'TOKEN_TOO_LARGE'],
    ['another issuer', () => made({ iss: 'https://evil.example' }), 'TOKEN_ISSUER_UNKNOWN'],
    ['an issuer with a slash more', () => made({ iss: `${ci}/` }), 'TOKEN_ISSUER_UNKNOWN'],
    ['an issuer in capitals', () => made({ iss: ci.toUpperCase() }), 'TOKEN_ISSUER_UNKNOWN'],
    ['another audience', () => made({ aud: 'somebody-else' }), 'TOKEN_AUDIENCE_WRONG'],
    ['a list without our audience', () => made({ aud: ['a', 'b'] }), 'TOKEN_AUDIENCE_WRONG'],
    ['the key of another issuer', () => made({ iss: other, header: { kid: 'other' } }), 'TOKEN_SIGNATURE_WRONG'],
    ['an unknown key id', () => made({ header: { kid: 'unknown' } }), 'TOKEN_KEY_UNKNOWN'],
    ['a key id that walks', () => made({ header: { kid: '../../dev/null' } }), 'TOKEN_KEY_UNKNOWN'],
    [
      'a key of its own',
      async () => made({ header: { kid: undefined, jwk: await exportJWK(ownKeys.publicKey) }, keys: ownKeys }),
      'TOKEN_SIGNATURE_WRONG',
    ],
    [
      'a header URL with its own keys',
      () => made({ header: { jku: 'http://127.0.0.1:1/keys' }, keys: ownKeys }),
      'TOKEN_SIGNATURE_WRONG',
    ],
    [
      'a header URL of a certificate',
      () => made({ header: { x5u: 'https://evil.example/c.pem' }, keys: ownKeys }),
      'TOKEN_SIGNATURE_WRONG',
    ],
    ['a certificate of its own', () => made({ header: { x5c: ['MIIB'] }, keys: ownKeys }), 'TOKEN_SIGNATURE_WRONG'],
    ['a key id that is a query', () => made({ header: { kid: "' OR 1=1 --" } }), 'TOKEN_KEY_UNKNOWN'],
    ['a critical header that nobody knows', () => signedAs({ crit: ['x'], x: 1 }), 'TOKEN_INVALID'],
    ['a payload that is not encoded', () => signedAs({ crit: ['b64'], b64: false }), 'TOKEN_INVALID'],
    [
      'a signature of zeros (CVE-2022-21449)',
      async () => withSignature(await made({}), Buffer.alloc(64)),
      'TOKEN_SIGNATURE_WRONG',
    ],
    ['another claim than was signed', async () => withClaims(await made({}), { sub: 'root' }), 'TOKEN_SIGNATURE_WRONG'],
    [
      'five parts, encrypted',
      () => 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA',
      'TOKEN_INVALID',
    ],
    [
      'no signature',
      () =>
        new UnsecuredJWT({ ...ciClaims })
          .setIssuer(ci)
          .setAudience('sallyport-ci')
          .setSubject('s')
          .setIssuedAt(now)
          .setExpirationTime(now + 60)
          .encode(),
      'TOKEN_ALGORITHM_WRONG',
    ],
    [
      'HS256 with the public key as secret',
      async () =>
        new SignJWT({ ...ciClaims })
          .setProtectedHeader({ alg: 'HS256', kid: 'ci-1' })
          .setIssuer(ci)
          .setAudience('sallyport-ci')
          .setSubject('s')
          .setIssuedAt(now)
          .setExpirationTime(now + 60)
          .sign(new TextEncoder().encode(JSON.stringify(await exportJWK(ciKeys.publicKey)))),
      'TOKEN_ALGORITHM_WRONG',
    ],
    [
      'HS256 with the public key in PEM as secret',
      async () => withAlgorithm('HS256', new TextEncoder().encode(await exportSPKI(ciKeys.publicKey))),
      'TOKEN_ALGORITHM_WRONG',
    ],
    ['no signature, and "NONE" in capitals', () => unsignedAs('NONE'), 'TOKEN_ALGORITHM_WRONG'],
    ['no signature, and "nOnE"', () => unsignedAs('nOnE'), 'TOKEN_ALGORITHM_WRONG'],
    [
      'a good algorithm that its issuer does not use',
      async () => withAlgorithm('RS256', (await generateKeyPair('RS256')).privateKey),
      'TOKEN_ALGORITHM_WRONG',
    ],
    ['a logout token', () => made({ header: { typ: 'logout+jwt' } }), 'TOKEN_TYPE_WRONG'],
    ['a proof of possession', () => made({ header: { typ: 'dpop+jwt' } }), 'TOKEN_TYPE_WRONG'],
    ['a security event', () => made({ header: { typ: 'secevent+jwt' } }), 'TOKEN_TYPE_WRONG'],
    ['the type of our own tokens', () => made({ header: { typ: 'sallyport+jwt' } }), 'TOKEN_TYPE_WRONG'],
    [
      'an ID token in place of an access token: it is for its client',
      () => made({ aud: 'console-client', claims: { ...ciClaims, nonce: 'n', at_hash: 'h', azp: 'console-client' } }),
      'TOKEN_AUDIENCE_WRONG',
    ],
    [
      'another client that it was given to, where the document names one',
      () => made({ iss: strict, aud: ['sallyport-ci', 'b'], claims: { azp: 'b' } }),
      'TOKEN_CLAIM_WRONG',
    ],
    [
      'no client that it was given to, where the document names one',
      () => made({ iss: strict, claims: {} }),
      'TOKEN_CLAIM_WRONG',
    ],
    ['our audience with a slash more', () => made({ aud: 'sallyport-ci/' }), 'TOKEN_AUDIENCE_WRONG'],
    ['our audience in capitals', () => made({ aud: 'SALLYPORT-CI' }), 'TOKEN_AUDIENCE_WRONG'],
    ['the beginning of our audience', () => made({ aud: 'sallyport' }), 'TOKEN_AUDIENCE_WRONG'],
    ['an empty list of audiences', () => made({ aud: [] }), 'TOKEN_AUDIENCE_WRONG'],
    ['no audience', () => made({ claims: { ...ciClaims, aud: undefined } }), 'TOKEN_CLAIM_MISSING'],
    ['an exp that is a text', () => made({ exp: String(now + 600) as never }), 'TOKEN_CLAIM_MISSING'],
    ['an iat that is a text', () => made({ iat: String(now) as never }), 'TOKEN_CLAIM_MISSING'],
    ['an nbf that is a text', () => made({ nbf: String(now) as never }), 'TOKEN_CLAIM_MISSING'],
    ['no exp', () => made({ exp: undefined }), 'TOKEN_CLAIM_MISSING'],
    ['no iat', () => made({ iat: undefined }), 'TOKEN_CLAIM_MISSING'],
    ['no subject', () => made({ sub: undefined }), 'TOKEN_CLAIM_MISSING'],
    ['an empty subject', () => made({ sub: '' }), 'TOKEN_CLAIM_MISSING'],
    ['an iat in the future', () => made({ iat: now + 61 }), 'TOKEN_NOT_YET_VALID'],
    ['an nbf in the future', () => made({ nbf: now + 61 }), 'TOKEN_NOT_YET_VALID'],
    ['an exp that has passed', () => made({ iat: now - 600, exp: now - 61 }), 'TOKEN_EXPIRED'],
    ['a life one second too long', () => made({ iat: now, exp: now + 3_601 }), 'TOKEN_LIFE_TOO_LONG'],
    ['a required claim that is absent', () => made({ claims: { ref: 'main' } }), 'TOKEN_CLAIM_WRONG'],
    [
      'R-6.3: a required claim by prefix',
      () => made({ claims: { ...ciClaims, environment: 'production-eu' } }),
      'TOKEN_CLAIM_WRONG',
    ],
    [
      'a required claim that is a list',
      () => made({ claims: { ...ciClaims, environment: ['production'] } }),
      'TOKEN_CLAIM_WRONG',
    ],
    [
      'R-6.4: groups that the issuer left out',
      () => made({ claims: { ...ciClaims, _claim_names: { groups: 'src1' } } }),
      'TOKEN_GROUPS_OMITTED',
    ],
  ])('%s is refused', async (_, token, code) => {
    expect(await codeOf(await token())).toBe(code)
    seen.add(code)
  })

  it('each code of a token that does not verify has a hostile token above', () => {
    const elsewhere = ['TOKEN_REPLAYED', 'TOKEN_REVOKED', 'TOKEN_ACTOR_WRONG']
    const codes = Object.keys(errorCodes).filter((code) => code.startsWith('TOKEN_') && !elsewhere.includes(code))
    expect([...seen].sort()).toEqual(codes.sort())
  })

  it.each<[string, Made]>([
    ['the client that the document names', { iss: strict, claims: { azp: 'ours' } }],
    ['an exp within the leeway', { iat: now - 600, exp: now - 59 }],
    ['an nbf within the leeway', { nbf: now + 59 }],
    ['the longest life', { iat: now, exp: now + 3_600 }],
    ['one of several accepted claim values', { claims: { ...ciClaims, ref: 'release' } }],
    ['our audience among others', { aud: ['x', 'sallyport-ci'] }],
    ['an access token by its type', { header: { typ: 'at+jwt' } }],
  ])('%s passes', async (_, from) => {
    expect(await codeOf(await made(from))).toBe('verified')
  })
})

describe('a group', () => {
  it('that somebody is taken out of no longer counts, in tokens that were issued before and for sessions that are open', async () => {
    const groups = (members: readonly object[]) => [group('engineering', members as never)]
    const under = async (members: readonly object[]) => {
      const trust = { ...snapshot, groups: groups(members) }
      return { trust, verified: await verifyToken(await own(), trust, nowMs) }
    }
    const idp = 'https://idp.example'
    const named = await under([{ issuer: idp, subject: 'ann' }])
    expect(named.verified.principal.groups).toEqual(['engineering'])
    expect((await under([{ issuer: idp, claim: 'eng' }])).verified.principal.groups).toEqual(['engineering'])
    for (const members of [
      [{ issuer: idp, subject: 'bob' }],
      [{ issuer: ci, subject: 'ann' }],
      [{ issuer: ci, claim: 'eng' }],
    ]) {
      const { trust, verified } = await under(members)
      expect(verified.principal.groups).toEqual([])
      expect([isStillTrusted(named.verified, named.trust), isStillTrusted(named.verified, trust)]).toEqual([
        true,
        false,
      ])
    }
  })
})

describe('a revocation', () => {
  const entry = { jti: '', issuer: '', subject: '', beforeMs: 0 }
  it.each<[string, Partial<typeof entry>, string]>([
    ['of this token', { jti: 'j1' }, 'TOKEN_REVOKED'],
    ['of this token by its issuer', { jti: 'j1', issuer: ci }, 'TOKEN_REVOKED'],
    ['of the same id by another issuer', { jti: 'j1', issuer: other }, 'verified'],
    ['of another token', { jti: 'j2' }, 'verified'],
    ['of the principal, later', { issuer: ci, subject: 'repo:acme/shop', beforeMs: nowMs }, 'TOKEN_REVOKED'],
    [
      'of the principal, before the token',
      { issuer: ci, subject: 'repo:acme/shop', beforeMs: nowMs - 11_000 },
      'verified',
    ],
    ['of the same subject elsewhere', { issuer: other, subject: 'repo:acme/shop', beforeMs: nowMs }, 'verified'],
  ])('%s', async (_, revocation, code) => {
    const revocations = [{ ...entry, ...revocation }]
    expect(await codeOf(await made({ jti: 'j1' }), { revocations })).toBe(code)
  })

  it('of a person bites on tokens that the control plane signed for them', async () => {
    const verified = await verifyToken(await own(), snapshot, nowMs)
    const revocations = [{ jti: '', issuer: 'https://idp.example', subject: 'ann', beforeMs: nowMs }]
    expect(isRevoked(verified, { revocations })).toBe(true)
  })
})

const actor = (sub: string, more: Record<string, unknown> = {}) => ({
  iss: ci,
  sub,
  sp_kind: 'workload',
  sp_groups: ['functions'],
  sp_name: sub,
  ...more,
})
const delegated = (from: Made = {}) =>
  own({
    exp: now + 200,
    ...from,
    header: { typ: 'sallyport-act+jwt', ...from.header },
    claims: { act: actor('web'), ...from.claims },
  })

describe('a token of the exchange', () => {
  it('names for whom and through whom, outermost first', async () => {
    const act = actor('mailer', { act: actor('web') })
    const verified = await verifyToken(await delegated({ claims: { act, sp_once: true } }), snapshot, nowMs)
    expect(verified).toMatchObject({ principal: { subject: 'ann' }, target: 'shop', isOnce: true })
    expect(verified.actors).toMatchObject([
      { subject: 'mailer', kind: 'workload', groups: ['functions'], issuer: ci, assurance: 'verified' },
      { subject: 'web' },
    ])
  })

  it.each<[string, Made, string]>([
    ['without an actor', { claims: { act: undefined } }, 'TOKEN_ACTOR_WRONG'],
    ['with an actor that is a name', { claims: { act: 'web' } }, 'TOKEN_ACTOR_WRONG'],
    ['with an actor without an issuer', { claims: { act: actor('web', { iss: undefined }) } }, 'TOKEN_ACTOR_WRONG'],
    [
      'with more actors than a chain has',
      {
        claims: {
          act: [1, 2, 3, 4, 5].reduce<object | undefined>((inner, n) => actor(`a${n}`, { act: inner }), undefined),
        },
      },
      'TOKEN_ACTOR_WRONG',
    ],
    ['with an actor, as a plain one', { header: { typ: 'sallyport+jwt' } }, 'TOKEN_ACTOR_WRONG'],
    ['that lives longer than five minutes', { iat: now, exp: now + 301 }, 'TOKEN_LIFE_TOO_LONG'],
    ['of another audience', { aud: 'sallyport:other' }, 'TOKEN_AUDIENCE_WRONG'],
  ])('%s is refused', async (_, from, code) => {
    expect(await codeOf(await delegated(from))).toBe(code)
  })

  it('is the only one that stands for an initiator', async () => {
    const as = async (token: string) =>
      await verifyToken(token, snapshot, nowMs, initiatorTypes).then(
        () => 'verified',
        (error: { code: string }) => error.code,
      )
    expect(await as(await delegated())).toBe('verified')
    expect(await as(await own())).toBe('TOKEN_TYPE_WRONG')
    expect(await as(await made({ header: { typ: 'sallyport-act+jwt' } }))).toBe('TOKEN_TYPE_WRONG')
    expect(await as(await made({}))).toBe('TOKEN_TYPE_WRONG')
  })

  it('is revoked with any token that it was made of', async () => {
    const token = await delegated({ claims: { sp_from: [{ iss: other, jti: 'parent-1' }] } })
    const revoked = async (jti: string, issuer: string) =>
      await codeOf(token, { revocations: [{ jti, issuer, subject: '', beforeMs: 0 }] })
    expect(await revoked('parent-1', other)).toBe('TOKEN_REVOKED')
    expect(await revoked('parent-1', '')).toBe('TOKEN_REVOKED')
    expect(await revoked('parent-1', ci)).toBe('verified')
    expect(await revoked('parent-2', other)).toBe('verified')
  })

  it('carries what rules may read of each of its chain', async () => {
    const act = actor('web', { sp_claims: { environment: 'production' } })
    const verified = await verifyToken(await delegated({ claims: { act, sp_claims: { level: 3 } } }), snapshot, nowMs)
    expect(verified.principal.claims).toEqual({ level: 3 })
    expect(verified.actors[0]?.claims).toEqual({ environment: 'production' })
  })

  it('is good no longer than the platform of its function is trusted', async () => {
    const token = await delegated()
    const issuers = new Map([...snapshot.issuers].filter(([issuer]) => issuer !== ci))
    expect(await codeOf(token, { issuers })).toBe('TOKEN_ISSUER_UNKNOWN')
    const verified = await verifyToken(token, snapshot, nowMs)
    expect([isStillTrusted(verified, snapshot), isStillTrusted(verified, { ...snapshot, issuers })]).toEqual([
      true,
      false,
    ])
  })

  it('is revoked with any principal of its chain', async () => {
    const token = await delegated()
    for (const subject of ['web', 'stranger']) {
      const revocations = [{ jti: '', issuer: ci, subject, beforeMs: nowMs }]
      expect(await codeOf(token, { revocations })).toBe(subject === 'web' ? 'TOKEN_REVOKED' : 'verified')
    }
  })
})

describe('an actor of another issuer’s token', () => {
  it('is one of its own subjects, in the groups that name it', async () => {
    const token = await made({ sub: 'ann', claims: { ...ciClaims, act: { sub: 'repo:acme/shop' } } })
    const verified = await verifyToken(token, snapshot, nowMs)
    expect(verified.actors).toMatchObject([
      { issuer: ci, subject: 'repo:acme/shop', groups: ['robots'], kind: 'workload' },
    ])
  })

  it.each([{ sub: 'web', iss: other }, { iss: ci }, 'web', []])('is nobody else: %j', async (act) => {
    expect(await codeOf(await made({ claims: { ...ciClaims, act } }))).toBe('TOKEN_ACTOR_WRONG')
  })
})
