// Tokens as each platform makes them, really signed, and hostile ones beside them: each is refused by the rule that it breaks
// (THREATS R-6.2 to R-6.4). The shapes are those of the platforms' own pages, named in docs/workloads.md.
import { checkDocument } from '@sallyport/policy/check'
import { TrustedIssuerDocument } from '@sallyport/policy/document'
import type { IssuerPreset } from '@sallyport/policy/issuer-presets'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { claimOf } from './claims.ts'
import { verifyToken } from './verify.ts'

const nowMs = Date.UTC(2026, 10, 24, 12)
const now = nowMs / 1_000
const tenant = '11111111-2222-3333-4444-555555555555'
let keys: Awaited<ReturnType<typeof generateKeyPair>>
beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true })
})

interface Platform {
  readonly issuer: string
  readonly subject: string
  readonly requiredClaims: Record<string, unknown>
  readonly claims: Record<string, unknown>
}
const platforms: Partial<Record<IssuerPreset, Platform>> = {
  kubernetes: {
    issuer: 'https://kubernetes.default.svc.cluster.local',
    subject: 'system:serviceaccount:shop:orders',
    requiredClaims: { '/kubernetes.io/namespace': 'shop' },
    claims: {
      'kubernetes.io': {
        namespace: 'shop',
        pod: { name: 'orders-5d', uid: 'f1' },
        serviceaccount: { name: 'orders', uid: 'a1' },
      },
    },
  },
  'github-actions': {
    issuer: 'https://token.actions.githubusercontent.com',
    subject: 'repo:acme/shop:environment:production',
    requiredClaims: { repository_id: '74', environment: 'production' },
    claims: {
      repository: 'acme/shop',
      repository_id: '74',
      repository_owner: 'acme',
      repository_owner_id: '9',
      ref: 'refs/heads/main',
      environment: 'production',
      event_name: 'push',
    },
  },
  'gitlab-ci': {
    issuer: 'https://gitlab.com',
    subject: 'project_path:acme/shop:ref_type:branch:ref:main',
    requiredClaims: { project_id: '22', ref_protected: 'true' },
    claims: { namespace_path: 'acme', project_path: 'acme/shop', project_id: '22', ref: 'main', ref_protected: 'true' },
  },
  google: {
    issuer: 'https://accounts.google.com',
    subject: '110169484474386276334',
    requiredClaims: { email: 'orders@acme.iam.gserviceaccount.com', email_verified: true },
    claims: { azp: '110', email: 'orders@acme.iam.gserviceaccount.com', email_verified: true },
  },
  azure: {
    issuer: `https://login.microsoftonline.com/${tenant}/v2.0`,
    subject: 'object-1',
    requiredClaims: { azp: 'client-1' },
    claims: { tid: tenant, ver: '2.0', oid: 'object-1', azp: 'client-1' },
  },
}
const of = (preset: IssuerPreset): Platform => {
  const platform = platforms[preset]
  if (platform === undefined) throw new Error(preset)
  return platform
}

const documentOf = (preset: IssuerPreset, changes: Record<string, unknown> = {}) =>
  TrustedIssuerDocument.parse({
    apiVersion: 'sallyport.dev/v1',
    kind: 'TrustedIssuer',
    metadata: { name: 'platform' },
    spec: {
      preset,
      issuer: of(preset).issuer,
      audiences: ['https://sallyport.example.com'],
      requiredClaims: of(preset).requiredClaims,
      ...changes,
    },
  })

async function verified(preset: IssuerPreset, claims: Record<string, unknown> = {}, sub?: string, changes = {}) {
  const document = documentOf(preset, changes)
  const token = await new SignJWT({ ...of(preset).claims, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: 'k', typ: 'JWT' })
    .setIssuer(document.spec.issuer)
    .setAudience('https://sallyport.example.com')
    .setSubject(sub ?? of(preset).subject)
    .setIssuedAt(now)
    .setExpirationTime(now + 600)
    .sign(keys.privateKey)
  const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k', alg: 'RS256' }] }
  const trust = {
    issuers: new Map([[document.spec.issuer, { document, jwks }]]),
    groups: [],
    revocations: [],
    audience: 'sallyport:acme',
  }
  return await verifyToken(token, trust, nowMs)
}

describe.each(Object.keys(platforms) as IssuerPreset[])('a token of %s', (preset) => {
  it('is a workload, with the claims that rules read', async () => {
    expect(checkDocument(documentOf(preset))).toEqual([])
    const { principal } = await verified(preset)
    expect(principal).toMatchObject({ kind: 'workload', issuer: of(preset).issuer, subject: of(preset).subject })
    const [bound = ''] = Object.keys(of(preset).requiredClaims)
    expect(claimOf(principal.claims, bound)).toBe(of(preset).requiredClaims[bound])
  })

  it('R-6.3: with another value of a required claim is refused by its name', async () => {
    for (const [claim, wanted] of Object.entries(of(preset).requiredClaims))
      for (const other of [`${String(wanted)}-x`, [wanted], undefined]) {
        const payload = claim.startsWith('/') ? { 'kubernetes.io': { namespace: other } } : { [claim]: other }
        await expect(verified(preset, payload)).rejects.toMatchObject({
          code: 'TOKEN_CLAIM_WRONG',
          message: `the token's claim "${claim}" is not what TrustedIssuer "platform" requires`,
        })
      }
  })
})

describe('R-6.2, R-6.4: what no token of its platform says', () => {
  it.each<[string, IssuerPreset, Record<string, unknown>, string | undefined, Record<string, unknown>, string]>([
    ['a user of the cluster', 'kubernetes', {}, 'kubernetes-admin', {}, 'its subject is no service account'],
    [
      'a subject of another namespace',
      'kubernetes',
      {},
      'system:serviceaccount:kube-system:orders',
      {},
      'does not name',
    ],
    ['a subject of another account', 'kubernetes', {}, 'system:serviceaccount:shop:admin', {}, 'does not name'],
    ['a subject with a part more', 'kubernetes', {}, 'system:serviceaccount:shop:orders:x', {}, 'no service account'],
    [
      'a token from a Secret',
      'kubernetes',
      { 'kubernetes.io': undefined },
      undefined,
      { requiredClaims: {} },
      'does not name',
    ],
    ['a repository of another owner', 'github-actions', { repository: 'evil/shop' }, undefined, {}, 'belong together'],
    ['an owner by prefix', 'github-actions', { repository: 'acme-evil/shop' }, undefined, {}, 'belong together'],
    ['a project of another namespace', 'gitlab-ci', { project_path: 'acme2/shop' }, undefined, {}, 'belong together'],
    [
      'an e-mail that nobody has seen',
      'google',
      { email_verified: false },
      undefined,
      { requiredClaims: { azp: '110' } },
      'not verified',
    ],
    [
      'an e-mail verified in words',
      'google',
      { email_verified: 'true' },
      undefined,
      { requiredClaims: { azp: '110' } },
      'not verified',
    ],
    ['another tenant', 'azure', { tid: tenant.replace('1', '2') }, undefined, {}, 'tenant'],
    ['a token for a person', 'azure', { scp: 'user_impersonation' }, undefined, {}, 'for an application'],
    ['a person without scopes', 'azure', { oid: 'person-1' }, undefined, {}, 'for an application'],
    ['a person by type', 'azure', { idtyp: 'user' }, undefined, {}, 'for an application'],
    ['another version', 'azure', { ver: '1.0' }, undefined, {}, 'version'],
    [
      'an application in place of a person',
      'azure',
      { idtyp: 'app' },
      undefined,
      { principals: 'user' },
      'for an application',
    ],
  ])('%s of %s is refused', async (_, preset, claims, subject, changes, reason) => {
    await expect(verified(preset, claims, subject, changes)).rejects.toMatchObject({
      code: 'TOKEN_CLAIM_WRONG',
      message: expect.stringContaining(reason),
    })
  })

  it.each([{ _claim_names: { groups: 'src1' } }, { hasgroups: true }])('groups left out: %j', async (claims) => {
    await expect(verified('azure', claims)).rejects.toMatchObject({ code: 'TOKEN_GROUPS_OMITTED' })
  })
})

describe('a document that would believe every customer of a platform', () => {
  it.each<[string, IssuerPreset, Record<string, unknown>, RegExp]>([
    ['without a repository', 'github-actions', { requiredClaims: { environment: 'production' } }, /repository_id/],
    ['without a project', 'gitlab-ci', { requiredClaims: { ref: 'main' } }, /project_id/],
    ['without an account', 'google', { requiredClaims: {} }, /require one of/],
    [
      'of another host',
      'github-actions',
      { issuer: 'https://token.actions.githubusercontent.com.evil.example' },
      /no issuer of/,
    ],
    ['of every tenant', 'azure', { issuer: 'https://login.microsoftonline.com/common/v2.0' }, /no issuer of/],
    [
      'of private accounts',
      'azure',
      { issuer: 'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0' },
      /private account/,
    ],
    ['with a star', 'github-actions', { requiredClaims: { repository: 'acme/*' } }, /exact/],
    ['with a list of stars', 'gitlab-ci', { requiredClaims: { project_path: ['a/b', '*'] } }, /exact/],
    ['for people', 'kubernetes', { principals: 'user' }, /workload/],
    [
      'with keys from two places',
      'kubernetes',
      { jwks: { keys: [{ kty: 'RSA', n: 'n', e: 'e' }] }, jwksUri: 'https://k.example' },
      /keep one/,
    ],
    ['with a private key', 'kubernetes', { jwks: { keys: [{ kty: 'RSA', n: 'n', e: 'e', d: 'd' }] } }, /private/],
    ['with a secret', 'kubernetes', { jwks: { keys: [{ kty: 'oct', k: 'k' }] } }, /public/],
  ])('%s (%s) is not saved', (_, preset, changes, reason) => {
    const [problem] = checkDocument(documentOf(preset, changes))
    expect(problem?.message).toMatch(reason)
  })
})
