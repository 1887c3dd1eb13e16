// What the configuration takes, and that it names every mistake without its value.
import { SallyportError } from '@sallyport/base/errors'
import { describe, expect, it } from 'vitest'
import { audienceOf, isSecure, loadConfig, variables } from './config.ts'

const good = {
  DATABASE_URL: 'postgresql://u:hunter2@127.0.0.1/sp',
  SALLYPORT_PUBLIC_URL: 'https://sallyport.example.com/',
  SALLYPORT_INSTALLATION: 'acme',
  SALLYPORT_KEYS_DIR: '/var/lib/sallyport/keys',
}
const files: Record<string, string> = {
  '/etc/sp.yaml': [
    'publicUrl: https://from-file.example.com',
    'http: { host: 0.0.0.0, port: 9000 }',
    'providers:',
    '  - { name: corp, issuer: "https://idp.example.com", clientId: c, clientSecret: { file: /run/secret } }',
  ].join('\n'),
  '/etc/typo.yaml': 'publicURL: https://x.example.com',
  '/etc/list.yaml': '- a',
  '/etc/broken.yaml': 'a: [',
  '/run/secret': 's3cret\n',
}
const readFile = (path: string): string => {
  const text = files[path]
  if (text === undefined) throw new Error(`ENOENT ${path}`)
  return text
}
const load = (env: Record<string, string | undefined>) =>
  loadConfig({ env, readFile, migrationsDirectory: '/app/prisma/migrations', consoleDirectory: '/app/console' })

const secretOf = ({ providers: [provider] }: ReturnType<typeof load>): string | undefined =>
  provider?.kind === 'oidc' ? provider.clientSecret?.reveal() : undefined

const refusal = (env: Record<string, string | undefined>): SallyportError => {
  try {
    load(env)
  } catch (thrown) {
    if (thrown instanceof SallyportError) return thrown
    throw thrown
  }
  throw new Error('was accepted')
}

describe('the configuration', () => {
  it('needs four variables and has a default for the rest', () => {
    const config = load(good)
    expect(config).toMatchObject({
      publicUrl: 'https://sallyport.example.com',
      http: { host: '127.0.0.1', port: 8080 },
      grpc: { host: '127.0.0.1', port: 8443, advertise: 'sallyport.example.com:8443' },
      metrics: { host: '127.0.0.1', port: 9464 },
      migrationsDirectory: '/app/prisma/migrations',
      consoleDirectory: '/app/console',
      webhookNetworks: [],
      bootstrapFile: null,
      providers: [],
    })
    expect(isSecure(config)).toBe(true)
    expect(audienceOf(config)).toBe('sallyport:acme')
  })

  it('takes the file, and a variable beats it', () => {
    const config = load({ ...good, SALLYPORT_CONFIG: '/etc/sp.yaml', SALLYPORT_HTTP_PORT: '9001' })
    expect(config.http).toMatchObject({ host: '0.0.0.0', port: 9001 })
    expect(config.publicUrl).toBe('https://sallyport.example.com')
    expect(load({ ...good, SALLYPORT_PUBLIC_URL: undefined, SALLYPORT_CONFIG: '/etc/sp.yaml' }).publicUrl).toBe(
      'https://from-file.example.com',
    )
    expect(secretOf(config)).toBe('s3cret')
    expect(config.providers[0]).toMatchObject({ display: 'corp', cliClientId: 'c', groupsClaim: 'groups' })
  })

  it('takes providers from a variable, and their secrets from another', () => {
    const providers = '[{name: a, issuer: "https://a.example.com", clientId: c, clientSecret: {env: A_SECRET}}]'
    const config = load({ ...good, SALLYPORT_PROVIDERS: providers, A_SECRET: 'xyz' })
    expect(secretOf(config)).toBe('xyz')
  })

  it('takes providers of SAML beside those of OpenID Connect, with certificates that are certificates', () => {
    const saml = '{kind: saml, name: s, entityId: "https://s.example.com/e", signInUrl: "https://s.example.com/sso"'
    const broken = `[${saml}, certificates: [{file: /run/secret}]}]`
    expect(refusal({ ...good, SALLYPORT_PROVIDERS: broken }).message).toContain('no certificate in PEM')
    expect(refusal({ ...good, SALLYPORT_PROVIDERS: `[${saml}}]` }).code).toBe('CONFIG_INVALID')
  })

  it('refuses two providers that would name people alike', () => {
    const twice =
      '[{name: a, issuer: "https://a.example.com", clientId: c}, {name: b, issuer: "https://a.example.com", clientId: d}]'
    expect(refusal({ ...good, SALLYPORT_PROVIDERS: twice }).message).toContain('the same issuer')
  })

  it('prints no secret', () => {
    expect(JSON.stringify(load(good))).not.toContain('hunter2')
  })

  it('allows plain http on this machine when told so, and then cookies are not Secure', () => {
    const env = { ...good, SALLYPORT_ALLOW_INSECURE_LOOPBACK: 'true' }
    for (const url of ['http://127.0.0.1:8080', 'http://localhost:8080', 'http://[::1]:8080'])
      expect(isSecure(load({ ...env, SALLYPORT_PUBLIC_URL: url }))).toBe(false)
  })

  it.each<[string, Record<string, string | undefined>, string]>([
    ['without a database', { DATABASE_URL: undefined }, 'databaseUrl (DATABASE_URL) must be set'],
    ['with a database of another kind', { DATABASE_URL: 'mysql://u:hunter2@h/d' }, 'a postgresql:// URL'],
    ['with http elsewhere', { SALLYPORT_PUBLIC_URL: 'http://sallyport.example.com' }, 'must be https'],
    ['with http here, not allowed', { SALLYPORT_PUBLIC_URL: 'http://127.0.0.1:1' }, 'allowInsecureLoopback'],
    [
      'with http on a name that only looks like here',
      { SALLYPORT_PUBLIC_URL: 'http://127.0.0.1.evil.test', SALLYPORT_ALLOW_INSECURE_LOOPBACK: 'true' },
      'must be https',
    ],
    ['with a path in the public URL', { SALLYPORT_PUBLIC_URL: 'https://x.example.com/sp' }, 'an origin'],
    ['with a port that is none', { SALLYPORT_HTTP_PORT: '70000' }, 'http.port (SALLYPORT_HTTP_PORT)'],
    ['with an installation that is no name', { SALLYPORT_INSTALLATION: 'A B' }, 'SALLYPORT_INSTALLATION'],
    ['with an address that is none', { SALLYPORT_GRPC_ADVERTISE: 'nowhere' }, 'host:port'],
    ['with an unknown key in the file', { SALLYPORT_CONFIG: '/etc/typo.yaml' }, 'publicURL'],
    ['with a file that is a list', { SALLYPORT_CONFIG: '/etc/list.yaml' }, 'a YAML mapping'],
    ['with a file that is not YAML', { SALLYPORT_CONFIG: '/etc/broken.yaml' }, 'is not YAML'],
    ['with a file that is not there', { SALLYPORT_CONFIG: '/nowhere' }, 'cannot read "/nowhere"'],
    [
      'with a secret that is written down',
      { SALLYPORT_PROVIDERS: '[{name: a, issuer: "https://a.test", clientId: c, clientSecret: plain}]' },
      'providers.0.clientSecret',
    ],
    [
      'with a secret that is not set',
      { SALLYPORT_PROVIDERS: '[{name: a, issuer: "https://a.test", clientId: c, clientSecret: {env: NOPE}}]' },
      '"NOPE" is not set',
    ],
    [
      'with a provider over http',
      { SALLYPORT_PROVIDERS: '[{name: a, issuer: "http://a.test", clientId: c}]' },
      'providers.0.issuer must be https',
    ],
    ['with a network that is none', { SALLYPORT_WEBHOOK_NETWORKS: '[10.0.0.0/40]' }, 'webhookNetworks.0: a network'],
    [
      'with two providers of one name',
      {
        SALLYPORT_PROVIDERS:
          '[{name: a, issuer: "https://a.test", clientId: c}, {name: a, issuer: "https://b.test", clientId: c}]',
      },
      'two providers "a"',
    ],
  ])('is refused %s', (_what, changes, words) => {
    const error = refusal({ ...good, ...changes })
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toContain(words)
    expect(error.message).not.toContain('hunter2')
  })

  it('has no variable that the documentation leaves out', async () => {
    const { readFileSync } = await import('node:fs')
    const docs = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
    for (const name of ['SALLYPORT_CONFIG', ...Object.keys(variables)]) expect(docs).toContain(`\`${name}\``)
  })
})
