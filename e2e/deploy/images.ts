// deploy/Dockerfile and deploy/compose.yaml as data, read strictly: an instruction, a key or a form that is not known here
// is a failure, so that nothing in them goes unchecked. The subset of the Compose specification that we use, and no more.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { root } from '../stack/root.ts'

export interface Instruction {
  readonly name: string
  readonly text: string
}

export interface Stage {
  readonly name: string
  readonly from: string
  readonly instructions: readonly Instruction[]
}

const known = 'ARG FROM WORKDIR ENV COPY RUN USER VOLUME EXPOSE HEALTHCHECK ENTRYPOINT CMD'.split(' ')

export function readDockerfile(): Stage[] {
  const text = readFileSync(join(root, 'deploy', 'Dockerfile'), 'utf8')
  const lines = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const stages: { name: string; from: string; instructions: Instruction[] }[] = []
  for (const line of lines) {
    const [name = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line)?.slice(1) ?? []
    if (!known.includes(name)) throw new Error(`an instruction that is not known: ${line}`)
    if (name === 'FROM') {
      const [from = '', stage = ''] = /^(\S+) AS (\S+)$/.exec(rest)?.slice(1) ?? []
      stages.push({ name: stage, from, instructions: [] })
    } else stages.at(-1)?.instructions.push({ name, text: rest })
  }
  return stages
}

/** Of a stage with all that it stands on, the base first. */
export function inherited(stages: readonly Stage[], name: string): Instruction[] {
  const stage = stages.find((one) => one.name === name)
  if (stage === undefined) return []
  return [...inherited(stages, stage.from), ...stage.instructions]
}

export interface Image {
  readonly user: string
  readonly env: Readonly<Record<string, string>>
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  /** The command, or null for NONE. Undefined: nobody said. */
  readonly health: readonly string[] | null | undefined
}

/** What the last words of each kind say. */
export function imageOf(stages: readonly Stage[], name: string): Image {
  const all = inherited(stages, name)
  const last = (kind: string) => all.filter((one) => one.name === kind).at(-1)?.text
  const pairs = all
    .filter((one) => one.name === 'ENV')
    .flatMap(({ text }) =>
      text.split(/\s+/).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    )
  const health = last('HEALTHCHECK')
  // A new ENTRYPOINT takes the CMD of its base away; ours never rely on the rest of that rule.
  return {
    user: last('USER') ?? 'root',
    env: Object.fromEntries(pairs),
    entrypoint: words(last('ENTRYPOINT')),
    command: words(last('CMD')),
    health:
      health === undefined ? undefined : health === 'NONE' ? null : words(health.slice(health.indexOf('CMD') + 4)),
  }
}

/** The exec form alone: the shell form needs a shell, and hides signals from the program. */
function words(text: string | undefined): string[] {
  if (text === undefined) return []
  const parsed: unknown = JSON.parse(text)
  if (!Array.isArray(parsed)) throw new Error(`not in exec form: ${text}`)
  return parsed.map(String)
}

export interface Service {
  readonly image: string
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly target: string }
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly network_mode?: string
  readonly profiles?: readonly string[]
  readonly restart?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: {
    readonly test: readonly string[]
    readonly interval: string
    readonly timeout: string
    readonly retries: number
  }
}

export interface Compose {
  readonly name: string
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, Readonly<Record<string, never>>>>
}

type Check = (value: unknown) => boolean
const text: Check = (value) => typeof value === 'string'
const list =
  (pattern: RegExp): Check =>
  (value) =>
    Array.isArray(value) && value.every((one) => typeof one === 'string' && pattern.test(one))
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const mapOf =
  (check: Check): Check =>
  (value) =>
    isMap(value) && Object.values(value).every(check)
const shape =
  (required: Record<string, Check>, optional: Record<string, Check> = {}): Check =>
  (value) =>
    isMap(value) &&
    Object.keys(required).every((key) => key in value) &&
    Object.entries(value).every(([key, part]) => (required[key] ?? optional[key])?.(part) === true)
const matching =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value)

const duration = matching(/^[0-9]+s$/)
/** Compose takes numbers and booleans too, and YAML then reads what nobody meant: ours are all texts. */
const service: Record<string, Check> = {
  image: text,
  build: shape({ context: text, dockerfile: text, target: text }),
  entrypoint: list(/./),
  command: list(/^/),
  environment: mapOf(text),
  volumes: list(/^[^:]+:\/[^:]+(:ro)?$/),
  ports: list(/^127\.0\.0\.1:[0-9]+:[0-9]+$/),
  network_mode: matching(/^(none|service:[a-z-]+)$/),
  profiles: list(/^[a-z]+$/),
  restart: matching(/^(no|unless-stopped)$/),
  read_only: (value) => value === true,
  cap_drop: list(/^ALL$/),
  security_opt: list(/^no-new-privileges:true$/),
  depends_on: mapOf(shape({ condition: matching(/^service_(healthy|completed_successfully)$/) })),
  healthcheck: shape({
    test: list(/./),
    interval: duration,
    timeout: duration,
    retries: (value) => Number.isInteger(value),
  }),
}

export interface Problem {
  readonly where: string
  readonly what: string
}

export function readCompose(): { readonly compose: Compose; readonly problems: readonly Problem[] } {
  const document: unknown = parse(readFileSync(join(root, 'deploy', 'compose.yaml'), 'utf8'), { merge: true })
  const problems: Problem[] = []
  if (!isMap(document)) throw new Error('compose.yaml is no mapping')
  for (const key of Object.keys(document))
    if (!['name', 'services', 'volumes'].includes(key) && !key.startsWith('x-'))
      problems.push({ where: key, what: 'not a key that we use' })
  const { services, volumes } = document
  if (!isMap(services) || !mapOf(shape({}))(volumes)) throw new Error('compose.yaml has no services, or odd volumes')
  for (const [name, value] of Object.entries(services)) {
    if (!isMap(value) || !text(value['image'])) problems.push({ where: name, what: 'has no image' })
    for (const [key, part] of Object.entries(isMap(value) ? value : {}))
      if (service[key]?.(part) !== true)
        problems.push({ where: `${name}.${key}`, what: `not as we write it: ${JSON.stringify(part)}` })
  }
  return { compose: document as unknown as Compose, problems }
}
