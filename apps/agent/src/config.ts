// The agent's configuration, from environment variables and an optional YAML file; a variable beats the file. Everything is
// checked at the start, and every problem is named. docs/operations.md explains each setting.
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { AwsSettings } from './secrets/aws-settings.ts'
import { VaultSettings } from './secrets/vault-settings.ts'

const port = z.coerce.number().int().min(0).max(65_535)
const address = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,253}):[0-9]{1,5}$/

const ConfigFile = z.strictObject({
  dataDirectory: z.string().min(1),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lowercase letters, digits and hyphens')
    .optional(),
  listen: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: port.default(6432),
      tls: z.enum(['required', 'optional']).default('required'),
    })
    .prefault({}),
  /** Absent: no HTTP targets are served. */
  http: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port,
      advertise: z.string().regex(address, 'host:port').optional(),
    })
    .optional(),
  advertise: z.string().regex(address, 'host:port').optional(),
  serverNames: z.array(z.string().min(1)).min(1).max(20).optional(),
  floor: z.string().min(1).optional(),
  metrics: z.strictObject({ host: z.string().min(1).default('127.0.0.1'), port: port.default(9465) }).prefault({}),
  joinToken: z.string().min(1).optional(),
  joinTokenFile: z.string().min(1).optional(),
  workers: z
    .union([z.literal('auto'), z.coerce.number().int().min(1).max(limits.workersMax)], {
      error: `a whole number from 1 to ${limits.workersMax}, or auto`,
    })
    .default(1),
  memoryMaxMb: z.coerce.number().int().min(64).max(1_048_576).optional(),
  drainSeconds: z.coerce.number().int().min(0).max(600).default(10),
  /** In the file alone: it is a tree. */
  vault: VaultSettings.optional(),
  /** The same. */
  aws: AwsSettings.optional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

export interface Config {
  readonly dataDirectory: string
  /** The join token's name when absent. */
  readonly name: string | undefined
  /** `tls: optional` lets tickets log in without TLS; a token never does. */
  readonly listen: { readonly host: string; readonly port: number; readonly tls: 'required' | 'optional' }
  /** `host:port` that callers dial. */
  readonly advertise: string
  readonly http: { readonly host: string; readonly port: number } | undefined
  /** The same for HTTP; empty where it is not served. */
  readonly advertiseHttp: string
  /** Names in the certificate that callers verify. */
  readonly serverNames: readonly string[]
  readonly floor: string | undefined
  readonly metrics: { readonly host: string; readonly port: number }
  readonly joinToken: Secret | undefined
  /** Resident memory past which no further connection is taken; null: a fraction of what the machine has. */
  readonly memoryBytesMax: number | null
  readonly drainMs: number
  /** Processes that serve connections; 1: the agent's own and no other. */
  readonly workers: number
  /** How this agent logs in at HashiCorp Vault; absent where it does not. */
  readonly vault?: VaultSettings | undefined
  /** Who this agent is at AWS; absent where it is nobody. */
  readonly aws?: AwsSettings | undefined
  readonly logLevel: string
}

/** Each variable and the key of the file that it beats. */
export const variables = {
  SALLYPORT_DATA_DIR: ['dataDirectory'],
  SALLYPORT_AGENT_NAME: ['name'],
  SALLYPORT_LISTEN_HOST: ['listen', 'host'],
  SALLYPORT_LISTEN_PORT: ['listen', 'port'],
  SALLYPORT_LISTEN_TLS: ['listen', 'tls'],
  SALLYPORT_HTTP_HOST: ['http', 'host'],
  SALLYPORT_HTTP_PORT: ['http', 'port'],
  SALLYPORT_HTTP_ADVERTISE: ['http', 'advertise'],
  SALLYPORT_ADVERTISE: ['advertise'],
  SALLYPORT_SERVER_NAMES: ['serverNames'],
  SALLYPORT_FLOOR: ['floor'],
  SALLYPORT_METRICS_HOST: ['metrics', 'host'],
  SALLYPORT_METRICS_PORT: ['metrics', 'port'],
  SALLYPORT_JOIN_TOKEN: ['joinToken'],
  SALLYPORT_JOIN_TOKEN_FILE: ['joinTokenFile'],
  SALLYPORT_WORKERS: ['workers'],
  SALLYPORT_MEMORY_MAX_MB: ['memoryMaxMb'],
  SALLYPORT_DRAIN_SECONDS: ['drainSeconds'],
  SALLYPORT_LOG_LEVEL: ['logLevel'],
} as const satisfies Record<string, readonly string[]>

export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readFile: (path: string) => string
  /** Name of this machine, for addresses that callers on other machines use. */
  readonly hostname: string
  /** What `workers: auto` stands for. */
  readonly cores: number
}

const invalid = (message: string, cause?: unknown): SallyportError =>
  new SallyportError('CONFIG_INVALID', message, { cause, hint: 'see "agent" in docs/operations.md' })

/** Throws CONFIG_INVALID with every problem in one message, values left out. */
export function loadConfig(sources: ConfigSources, path = sources.env['SALLYPORT_AGENT_CONFIG']): Config {
  const tree = path === undefined || path === '' ? {} : readTree(path, sources)
  for (const [variable, keys] of Object.entries(variables)) {
    const text = sources.env[variable]
    if (text === undefined || text === '') continue
    setAt(tree, keys, variable === 'SALLYPORT_SERVER_NAMES' ? text.split(',').map((name) => name.trim()) : text)
  }
  const parsed = ConfigFile.safeParse(tree)
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${nameOf(issue.path)}: ${issue.message}`)
    throw invalid(`the configuration is not valid: ${problems.join('; ')}`)
  }
  const { drainSeconds, memoryMaxMb, joinToken, joinTokenFile, ...file } = parsed.data
  const workers = file.workers === 'auto' ? Math.min(sources.cores, limits.workersMax) : file.workers
  const advertise = file.advertise ?? advertisedAt(file.listen, sources)
  return {
    ...file,
    name: file.name,
    floor: file.floor,
    http: file.http,
    advertise,
    advertiseHttp: file.http === undefined ? '' : (file.http.advertise ?? advertisedAt(file.http, sources)),
    serverNames: file.serverNames ?? defaultNames(advertise, file.listen.host),
    joinToken: readToken(joinToken, joinTokenFile, sources),
    memoryBytesMax: memoryMaxMb === undefined ? null : memoryMaxMb * 1_048_576,
    drainMs: drainSeconds * 1_000,
    workers,
  }
}

const advertisedAt = ({ host, port }: Pick<Config['listen'], 'host' | 'port'>, { hostname }: ConfigSources): string =>
  `${defaultHost(host, hostname)}:${port}`

const loopback = new Set(['127.0.0.1', 'localhost', '::1'])

const defaultHost = (host: string, hostname: string): string => (loopback.has(host) ? 'localhost' : hostname)

function defaultNames(advertise: string, host: string): string[] {
  const advertised = advertise.replace(/:[0-9]+$/, '').replace(/^\[(.*)\]$/, '$1')
  return [...new Set([advertised, ...(loopback.has(host) ? ['localhost', '127.0.0.1'] : [])])]
}

function readToken(text: string | undefined, path: string | undefined, sources: ConfigSources): Secret | undefined {
  if (text !== undefined) return new Secret(text)
  return path === undefined ? undefined : new Secret(textOf(path, sources).trim())
}

type Tree = { [key: string]: unknown }
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)

function readTree(path: string, sources: ConfigSources): Tree {
  let tree: unknown
  try {
    tree = parseYaml(textOf(path, sources))
  } catch (cause) {
    throw cause instanceof SallyportError ? cause : invalid(`"${path}" is not YAML`, cause)
  }
  if (tree === null) return {}
  if (!isTree(tree)) throw invalid(`"${path}" must be a YAML mapping`)
  return tree
}

function textOf(path: string, sources: ConfigSources): string {
  try {
    return sources.readFile(path)
  } catch (cause) {
    throw invalid(`cannot read "${path}"`, cause)
  }
}

function setAt(tree: Tree, [key, ...rest]: readonly string[], value: unknown): void {
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

/** `dataDirectory (SALLYPORT_DATA_DIR)`. */
function nameOf(path: readonly PropertyKey[]): string {
  const dotted = path.map(String).join('.')
  const known = Object.entries(variables).find(([, keys]) => keys.join('.') === dotted)
  if (known !== undefined) return `${dotted} (${known[0]})`
  return dotted === '' ? 'the file' : dotted
}
