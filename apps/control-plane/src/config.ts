// The configuration, from environment variables and an optional YAML file; a variable beats the file. Everything is
// checked at the start, and every problem is named with its variable. docs/operations.md explains each one.
import { resolve } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import ipaddr from 'ipaddr.js'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { type ProviderConfig, ProviderFile, readProviders } from './provider-config.ts'

const port = z.coerce.number().int().min(0).max(65_535)
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])
const Network = z.string().refine((text) => ipaddr.isValidCIDR(text), 'a network like 10.1.0.0/16')
const ConfigFile = z.strictObject({
  databaseUrl: z.string().regex(/^postgres(ql)?:\/\//, 'a postgresql:// URL'),
  publicUrl: z.url(),
  installation: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lowercase letters, digits and hyphens'),
  http: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: port.default(8080),
      trustedProxies: z.array(z.string().min(1)).default([]),
      loginsPerMinute: z.coerce.number().int().min(1).max(100_000).default(30),
    })
    .prefault({}),
  grpc: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: port.default(8443),
      advertise: z
        .string()
        .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$/, 'host:port')
        .optional(),
    })
    .prefault({}),
  metrics: z.strictObject({ host: z.string().min(1).default('127.0.0.1'), port: port.default(9464) }).prefault({}),
  keysDirectory: z.string().min(1),
  redisUrl: z
    .string()
    .regex(/^rediss?:\/\//, 'a redis:// or rediss:// URL')
    .optional(),
  heldTextDays: z.coerce.number().int().min(1).max(3_650).default(30),
  migrationsDirectory: z.string().min(1).optional(),
  consoleDirectory: z.string().min(1).optional(),
  webhookNetworks: z.array(Network).max(100).default([]),
  issuerNetworks: z.array(Network).max(100).default([]),
  bootstrapFile: z.string().min(1).optional(),
  allowInsecureLoopback: flag.default(false),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  providers: z.array(ProviderFile).max(20).default([]),
})
type ConfigFile = z.infer<typeof ConfigFile>

export interface Config {
  readonly databaseUrl: Secret
  /** Origin that people's browsers use, without a slash at the end. Also the issuer of tokens for targets. */
  readonly publicUrl: string
  readonly installation: string
  readonly http: {
    readonly host: string
    readonly port: number
    readonly trustedProxies: readonly string[]
    readonly loginsPerMinute: number
  }
  /** `advertise` is the `host:port` that agents dial. */
  readonly grpc: { readonly host: string; readonly port: number; readonly advertise: string }
  readonly metrics: { readonly host: string; readonly port: number }
  readonly keysDirectory: string
  /** Null: replicas hear of each other over the store alone. */
  readonly redisUrl: Secret | null
  /** How long the text of a held statement is kept after its request ended. */
  readonly heldTextDays: number
  readonly migrationsDirectory: string
  /** Where the built console lies. */
  readonly consoleDirectory: string
  /** Networks (CIDR) that webhooks may reach although they are private. */
  readonly webhookNetworks: readonly string[]
  /** Networks (CIDR) where keys of issuers may be fetched although they are private. */
  readonly issuerNetworks: readonly string[]
  readonly bootstrapFile: string | null
  readonly allowInsecureLoopback: boolean
  readonly logLevel: string
  readonly providers: readonly ProviderConfig[]
}

/** Each variable and the key of the file that it beats. */
export const variables = {
  DATABASE_URL: ['databaseUrl'],
  SALLYPORT_PUBLIC_URL: ['publicUrl'],
  SALLYPORT_INSTALLATION: ['installation'],
  SALLYPORT_HTTP_HOST: ['http', 'host'],
  SALLYPORT_HTTP_PORT: ['http', 'port'],
  SALLYPORT_TRUSTED_PROXIES: ['http', 'trustedProxies'],
  SALLYPORT_LOGINS_PER_MINUTE: ['http', 'loginsPerMinute'],
  SALLYPORT_GRPC_HOST: ['grpc', 'host'],
  SALLYPORT_GRPC_PORT: ['grpc', 'port'],
  SALLYPORT_GRPC_ADVERTISE: ['grpc', 'advertise'],
  SALLYPORT_METRICS_HOST: ['metrics', 'host'],
  SALLYPORT_METRICS_PORT: ['metrics', 'port'],
  SALLYPORT_KEYS_DIR: ['keysDirectory'],
  SALLYPORT_REDIS_URL: ['redisUrl'],
  SALLYPORT_HELD_TEXT_DAYS: ['heldTextDays'],
  SALLYPORT_MIGRATIONS_DIR: ['migrationsDirectory'],
  SALLYPORT_CONSOLE_DIR: ['consoleDirectory'],
  SALLYPORT_WEBHOOK_NETWORKS: ['webhookNetworks'],
  SALLYPORT_ISSUER_NETWORKS: ['issuerNetworks'],
  SALLYPORT_BOOTSTRAP_FILE: ['bootstrapFile'],
  SALLYPORT_ALLOW_INSECURE_LOOPBACK: ['allowInsecureLoopback'],
  SALLYPORT_LOG_LEVEL: ['logLevel'],
  SALLYPORT_PROVIDERS: ['providers'],
} as const satisfies Record<string, readonly string[]>

/** Variables whose text is YAML (or JSON): lists. */
const yamlVariables = new Set([
  'SALLYPORT_TRUSTED_PROXIES',
  'SALLYPORT_PROVIDERS',
  'SALLYPORT_WEBHOOK_NETWORKS',
  'SALLYPORT_ISSUER_NETWORKS',
])

export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readFile: (path: string) => string
  /** Where the migrations lie when nothing else is said. */
  readonly migrationsDirectory: string
  /** Where the built console lies when nothing else is said. */
  readonly consoleDirectory: string
}

const invalid = (message: string, cause?: unknown): SallyportError =>
  new SallyportError('CONFIG_INVALID', message, { cause, hint: 'see "control plane" in docs/operations.md' })

/** Reads and checks everything. Throws CONFIG_INVALID with every problem in one message, values left out. */
export function loadConfig(sources: ConfigSources): Config {
  const parsed = ConfigFile.safeParse(readAll(sources))
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) =>
      message.endsWith('received undefined') ? `${nameOf(path)} must be set` : `${nameOf(path)}: ${message}`,
    )
    throw invalid(`the configuration is not valid: ${problems.join('; ')}`)
  }
  const file = parsed.data
  const publicUrl = checkedPublicUrl(file)
  const advertise = file.grpc.advertise ?? `${new URL(publicUrl).hostname}:${file.grpc.port}`
  return {
    ...file,
    databaseUrl: new Secret(file.databaseUrl),
    redisUrl: file.redisUrl === undefined ? null : new Secret(file.redisUrl),
    publicUrl,
    grpc: { ...file.grpc, advertise },
    migrationsDirectory: file.migrationsDirectory ?? sources.migrationsDirectory,
    consoleDirectory: resolve(file.consoleDirectory ?? sources.consoleDirectory),
    bootstrapFile: file.bootstrapFile ?? null,
    providers: readProviders(file.providers, {
      ...sources,
      isAllowedUrl: (url) => isAllowedUrl(url, file.allowInsecureLoopback),
    }),
  }
}

type Tree = { [key: string]: unknown }
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The file, then every variable in its place. */
function readAll(sources: ConfigSources): Tree {
  const path = sources.env['SALLYPORT_CONFIG']
  const tree = path === undefined ? {} : readTree(path, sources)
  for (const [variable, keys] of Object.entries(variables)) {
    const text = sources.env[variable]
    if (text === undefined || text === '') continue
    setAt(tree, keys, yamlVariables.has(variable) ? yamlOf(text, variable) : text)
  }
  return tree
}

function readTree(path: string, sources: ConfigSources): Tree {
  const tree = yamlOf(textOf(path, 'SALLYPORT_CONFIG', sources), `"${path}"`)
  if (tree === null) return {}
  if (!isTree(tree)) throw invalid(`"${path}" must be a YAML mapping`)
  return tree
}

function textOf(path: string, what: string, sources: ConfigSources): string {
  try {
    return sources.readFile(path)
  } catch (cause) {
    throw invalid(`${what}: cannot read "${path}"`, cause)
  }
}

function yamlOf(text: string, what: string): unknown {
  try {
    return parseYaml(text)
  } catch (cause) {
    throw invalid(`${what} is not YAML`, cause)
  }
}

function setAt(tree: Tree, keys: readonly string[], value: unknown): void {
  const [key, ...rest] = keys
  if (key === undefined) return
  if (rest.length === 0) {
    tree[key] = value
    return
  }
  const inner = tree[key]
  const child: Tree = isTree(inner) ? inner : {}
  tree[key] = child
  setAt(child, rest, value)
}

/** `publicUrl (SALLYPORT_PUBLIC_URL)`. */
function nameOf(path: readonly PropertyKey[]): string {
  const dotted = path.map(String).join('.')
  const known = Object.entries(variables).find(([, keys]) => keys.join('.') === dotted)
  if (known !== undefined) return `${dotted} (${known[0]})`
  return dotted === '' ? 'the file' : dotted
}

const loopbackNames = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** https, or http on this very machine where the operator allowed it. */
export function isAllowedUrl(url: URL, allowInsecureLoopback: boolean): boolean {
  if (url.protocol === 'https:') return true
  return allowInsecureLoopback && url.protocol === 'http:' && loopbackNames.has(url.hostname)
}

function checkedPublicUrl(file: ConfigFile): string {
  const url = new URL(file.publicUrl)
  if (!isAllowedUrl(url, file.allowInsecureLoopback))
    throw invalid(
      'publicUrl (SALLYPORT_PUBLIC_URL) must be https; plain http is for 127.0.0.1 and localhost, with allowInsecureLoopback',
    )
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '')
    throw invalid('publicUrl (SALLYPORT_PUBLIC_URL) must be an origin: no path, no query, no user')
  return url.origin
}

/** What tokens for this installation carry in `aud`. */
export const audienceOf = (config: Pick<Config, 'installation'>): string => `sallyport:${config.installation}`

/** True when cookies are Secure and carry the __Host- prefix. */
export const isSecure = (config: Pick<Config, 'publicUrl'>): boolean => config.publicUrl.startsWith('https:')
