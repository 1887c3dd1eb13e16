// A session is open, and the document of its issuer changes: whoever would not get in any more must not stay (DESIGN §2).
import type { GroupDocument, TrustedIssuerDocument } from '@sallyport/policy/document'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { isStillTrusted } from './standing.ts'
import type { IssuerWithKeys, Trust } from './trust.ts'
import { type VerifiedToken, verifyToken } from './verify.ts'

const nowMs = Date.UTC(2026, 10, 24, 12)
const now = nowMs / 1_000
const ci = 'https://ci.example'
const builtIn = 'https://sallyport.example'
type Spec = TrustedIssuerDocument['spec']

const documentOf = (name: string, issuer: string, spec: Partial<Spec> = {}): TrustedIssuerDocument => ({
  apiVersion: 'sallyport.dev/v1',
  kind: 'TrustedIssuer',
  metadata: { name },
  spec: {
    issuer,
    principals: 'workload',
    audiences: ['sallyport-ci', 'sallyport'],
    algorithms: ['ES256', 'RS256'],
    requiredClaims: {},
    maxLife: '1h',
    groupsClaim: 'groups',
    exposeClaims: ['environment'],
    ...spec,
  },
})
const groupOf = (claim: string): GroupDocument => ({
  apiVersion: 'sallyport.dev/v1',
  kind: 'Group',
  metadata: { name: 'deployers' },
  spec: { members: [{ issuer: ci, claim }] },
})

let keys: { readonly first: Awaited<ReturnType<typeof generateKeyPair>>; readonly jwks: readonly JWK[] }
beforeAll(async () => {
  const pair = async (kid: string) => {
    const made = await generateKeyPair('ES256', { extractable: true })
    return { made, jwk: { ...(await exportJWK(made.publicKey)), kid, alg: 'ES256' } }
  }
  const [first, second] = [await pair('first'), await pair('second')]
  keys = { first: first.made, jwks: [first.jwk, second.jwk] }
})

/** Trust with one state of the document. Keys as agents get them: those that it pins, or those that were fetched. */
function trusting(spec: Partial<Spec> = {}, more: { fetched?: readonly JWK[]; groups?: GroupDocument[] } = {}): Trust {
  const document = documentOf('ci', ci, spec)
  const shown = (document.spec.jwks?.keys ?? more.fetched ?? keys.jwks) as IssuerWithKeys['jwks']['keys']
  const own = {
    document: documentOf('sallyport', builtIn, { audiences: ['sallyport:acme'] }),
    jwks: { keys: keys.jwks },
  }
  return {
    issuers: new Map([
      [ci, { document, jwks: { keys: shown } }],
      [builtIn, own as IssuerWithKeys],
    ]),
    groups: more.groups ?? [groupOf('deploy')],
    revocations: [],
    audience: 'sallyport:acme',
  }
}

const claims = { environment: 'production', groups: ['deploy'], '/': 'x', nested: { team: 'shop' } }
async function signed(issuer: string, payload: Record<string, unknown>, typ?: string): Promise<string> {
  return await new SignJWT({ ...payload, sub: 'repo:acme/shop', iat: now - 10, exp: now + 600 })
    .setProtectedHeader({ alg: 'ES256', kid: 'first', ...(typ === undefined ? {} : { typ }) })
    .setIssuer(issuer)
    .sign(keys.first.privateKey)
}
const loggedIn = async (under: Trust): Promise<VerifiedToken> =>
  await verifyToken(await signed(ci, { ...claims, aud: 'sallyport-ci' }), under, nowMs)
const pinned = (...which: number[]): Partial<Spec> => ({
  jwks: { keys: which.map((index) => keys.jwks[index]) as never },
})

/** The key of the token as other tools write it. */
const rewritten = (write: (number: Buffer) => string): Partial<Spec> => {
  const { x = '', y = '', ...rest } = keys.jwks[0] ?? {}
  const [first, second] = [x, y].map((text) => write(Buffer.from(text, 'base64url')))
  return { jwks: { keys: [{ ...rest, x: first, y: second }] as never } }
}

describe('a session of a token of another issuer', () => {
  it.each<[string, () => Trust]>([
    [
      'a claim that its token has otherwise is required',
      () => trusting({ requiredClaims: { environment: 'staging' } }),
    ],
    ['a claim that its token does not have is required', () => trusting({ requiredClaims: { ref: 'main' } })],
    ['its audience is none any more', () => trusting({ audiences: ['sallyport'] })],
    ['its algorithm is none any more', () => trusting({ algorithms: ['RS256'] })],
    ['tokens live less long', () => trusting({ maxLife: '5m' })],
    ['keys are pinned, and its own is not among them', () => trusting(pinned(1))],
    [
      'keys come from elsewhere, and its own does not',
      () => trusting({ jwksUri: 'https://new.example/jwks' }, { fetched: keys.jwks.slice(1) }),
    ],
    ['its tokens speak for people now', () => trusting({ principals: 'user' })],
    ['groups are read from another claim', () => trusting({ groupsClaim: 'roles' })],
    ['its group is given for another value of the claim', () => trusting({}, { groups: [groupOf('release')] })],
    ['the platform says more of its tokens', () => trusting({ preset: 'kubernetes' })],
  ])('ends when %s', async (_, after) => {
    const verified = await loggedIn(trusting())
    expect([isStillTrusted(verified, trusting()), isStillTrusted(verified, after())]).toEqual([true, false])
  })

  it('ends when its pinned key is taken out, and not when another one is', async () => {
    const verified = await loggedIn(trusting(pinned(0, 1)))
    expect([pinned(0), pinned(1)].map((spec) => isStillTrusted(verified, trusting(spec)))).toEqual([true, false])
  })

  it.each<[string, () => Trust]>([
    [
      'requires what its token has',
      () => trusting({ requiredClaims: { environment: ['production', 'staging'], '/nested/team': 'shop' } }),
    ],
    ['is looser than before', () => trusting({ audiences: ['sallyport-ci', 'more'], algorithms: ['ES256', 'EdDSA'] })],
    ['pins its key', () => trusting(pinned(0))],
    [
      'names another place, from where nothing was fetched yet',
      () => trusting({ jwksUri: 'https://new.example/jwks' }, { fetched: [] }),
    ],
    ['has keys that its issuer has turned over', () => trusting({}, { fetched: keys.jwks.slice(1) })],
    ['stays, and an agent gets fewer groups', () => trusting({}, { groups: [] })],
  ])('goes on when the document %s', async (_, after) => {
    expect(isStillTrusted(await loggedIn(trusting()), after())).toBe(true)
  })

  it.each<[string, (number: Buffer) => string]>([
    ['padding', (number) => `${number.toString('base64url')}=`],
    ['the other alphabet of base64', (number) => number.toString('base64')],
    ['a zero before its numbers', (number) => Buffer.concat([Buffer.alloc(1), number]).toString('base64url')],
  ])('goes on while its document pins the key that verified it, written with %s', async (_, write) => {
    const under = trusting(rewritten(write))
    expect(isStillTrusted(await loggedIn(under), under)).toBe(true)
  })
})

describe('a token of the control plane that names a workload', () => {
  const named = async (under: Trust) => {
    const about = { sp_issuer: ci, sp_kind: 'workload', sp_groups: [], sp_name: 'shop', sp_target: 'shop' }
    const payload = { ...about, sp_claims: { environment: 'production' }, aud: 'sallyport:acme' }
    return await verifyToken(await signed(builtIn, payload, 'sallyport+jwt'), under, nowMs)
  }

  it('ends when its platform is to say something else than it says of the workload', async () => {
    const after = trusting({ requiredClaims: { environment: 'staging' } })
    const verified = await named(trusting())
    expect([isStillTrusted(verified, trusting()), isStillTrusted(verified, after)]).toEqual([true, false])
    await expect(named(after)).rejects.toMatchObject({ code: 'TOKEN_ISSUER_UNKNOWN' })
  })
})
