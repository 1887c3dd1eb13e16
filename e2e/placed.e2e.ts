// deploy/systemd and deploy/helm, as far as they can be run without systemd and without a cluster: the exact commands, variables
// and files of the units and of the pods, on this machine, from the first start to a masked row and to their end.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Machine, openMachine, type Placed, podOf, unitOf } from './deploy/placed.ts'
import type { Child } from './stack/child.ts'
import { type Idp, startIdp } from './stack/idp.ts'
import { loginAs, type PersonApi, personApi } from './stack/people-api.ts'
import { freePort, type PostgresServer, startPostgres } from './stack/postgres.ts'
import { type Reaper, startReaper } from './stack/reaper.ts'
import { root } from './stack/root.ts'
import { createDatabase, loadShop } from './stack/shop.ts'
import { until } from './stack/until.ts'
import { using } from './stack/use.ts'

const isBuilt = existsSync(join(root, 'apps', 'agent', 'dist', 'main.js'))
const { renderChart }: { renderChart: (folder: string, changes: (values: any) => void) => any[] } = await import(
  new URL('../packages/tools/chart.ts', import.meta.url).href
)

interface Ports {
  readonly http: number
  readonly grpc: number
  readonly controlMetrics: number
  readonly agent: number
  readonly agentMetrics: number
}
/** The documents of the demo that say who is who. */
const access = (issuer: string): string =>
  readFileSync(join(root, 'e2e', 'demo', 'access.yaml'), 'utf8').replaceAll(/\$\{([A-Z_]+)\}/g, (_, name) =>
    name === 'IDP_ISSUER' ? issuer : 'sallyport:demo',
  )
/** What differs between the two ways: where files lie, and who is started. */
interface Way {
  readonly agentName: string
  /** Where operators lay the files of the control plane and of the agent, and where these find them. */
  readonly control: { readonly config: string; readonly secrets: string; readonly seen: string }
  readonly agent: { readonly config: string; readonly secrets: string; readonly seen: string }
  controlPlane(machine: Machine, ports: Ports): Placed
  agentOf(machine: Machine, ports: Ports): Placed
}

const ways: Readonly<Record<string, Way>> = {
  'the units of systemd': {
    agentName: 'orders',
    control: {
      config: '/etc/sallyport/control-plane.yaml',
      secrets: '/etc/sallyport/control-plane.d',
      seen: '/run/credentials/sallyport-control-plane.service/secrets_',
    },
    agent: {
      config: '/etc/sallyport/agent-orders.yaml',
      secrets: '/etc/sallyport/agent-orders.d',
      seen: '/run/credentials/sallyport-agent@orders.service/secrets_',
    },
    controlPlane: (machine) => unitOf(machine, 'sallyport-control-plane.service'),
    agentOf: (machine) => unitOf(machine, 'sallyport-agent@orders.service'),
  },
  'the pods of the chart': {
    agentName: 'orders-1',
    control: {
      config: '/etc/sallyport/config/control-plane.yaml',
      secrets: '/etc/sallyport/config',
      seen: '/etc/sallyport/config/',
    },
    agent: {
      config: '/etc/sallyport/secrets/agent.yaml',
      secrets: '/etc/sallyport/secrets',
      seen: '/etc/sallyport/secrets/',
    },
    controlPlane: (machine, ports) => podOf(machine, rendered(ports, 'Deployment')),
    agentOf: (machine, ports) => podOf(machine, rendered(ports, 'StatefulSet')),
  },
}

/** Of the values that docs and values.yaml show, with ports of this machine. */
function rendered(ports: Ports, kind: string): any {
  const documents = renderChart(join(root, 'deploy', 'helm', 'sallyport'), (values) => {
    Object.assign(values.controlPlane, {
      publicUrl: `http://localhost:${ports.http}`,
      installation: 'demo',
      grpcAdvertise: `localhost:${ports.grpc}`,
    })
    values.agents = {
      'orders-1': {
        advertise: `localhost:${ports.agent}`,
        serviceType: 'ClusterIP',
        httpPort: 0,
        secret: 'orders-1',
        config: true,
        size: '1Gi',
        resources: {},
        ingress: [],
        egress: [],
      },
    }
  })
  const [found, ...more] = documents.filter((document) => document.kind === kind)
  expect(more).toEqual([])
  return found
}

describe.skipIf(!isBuilt).each(Object.entries(ways))('%s, on this machine', (_, way) => {
  let dir: string
  let reaper: Reaper
  let machine: Machine
  let idp: Idp
  let ports: Ports
  let server: PostgresServer
  const running: Child[] = []
  const url = () => `http://localhost:${ports.http}`
  const person = async (login: string): Promise<PersonApi> =>
    personApi(url(), login, (await loginAs(idp, url(), login)).accessToken)

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sallyport-placed-'))
    chmodSync(dir, 0o755)
    reaper = startReaper(dir)
    machine = openMachine(dir, reaper)
    const [http, grpc, controlMetrics] = [await freePort(), await freePort(), await freePort()]
    ports = { http, grpc, controlMetrics, agent: await freePort(), agentMetrics: await freePort() }
    idp = await startIdp({ redirectUris: [`${url()}/auth/callback`] })
    server = await startPostgres({ dir: join(dir, 'postgres') })
    await createDatabase(server, 'sallyport')
    mkdirSync(machine.at(way.agent.secrets), { recursive: true, mode: 0o700 })
    await loadShop(server, join(machine.at(way.agent.secrets), 'orders-password'))
    machine.write(`${way.control.secrets}/console-secret`, idp.consoleClient.secret)
    machine.write(`${way.control.secrets}/access.yaml`, access(idp.issuer))
    machine.write(way.control.config, JSON.stringify(controlConfig()))
    machine.write(
      way.agent.config,
      JSON.stringify({
        name: way.agentName,
        listen: { port: ports.agent },
        advertise: `localhost:${ports.agent}`,
        joinTokenFile: `${way.agent.seen}join-token`,
        metrics: { port: ports.agentMetrics },
        drainSeconds: 1,
      }),
    )
  }, 120_000)
  afterAll(async () => {
    for (const child of running) await child.stop()
    await server?.stop()
    await idp?.stop()
    rmSync(dir, { recursive: true, force: true })
    await reaper?.done()
  }, 60_000)

  const controlConfig = () => ({
    databaseUrl: server.url('sallyport'),
    publicUrl: url(),
    installation: 'demo',
    allowInsecureLoopback: true,
    http: { port: ports.http, loginsPerMinute: 1_000 },
    grpc: { port: ports.grpc, advertise: `localhost:${ports.grpc}` },
    metrics: { port: ports.controlMetrics },
    bootstrapFile: `${way.control.seen}access.yaml`,
    providers: [
      {
        name: 'demo',
        issuer: idp.issuer,
        clientId: idp.consoleClient.id,
        clientSecret: { file: `${way.control.seen}console-secret` },
        cliClientId: idp.cliClientId,
        scopes: 'openid profile email groups',
      },
    ],
  })

  const documents = () => `apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: shop, labels: { env: demo } }
spec:
  protocol: postgres
  agents: [${way.agentName}]
  host: 127.0.0.1
  port: ${server.port}
  database: shop
  tls: { mode: disable }
  roles: [{ name: app_rw, password: { file: "${machine.at(`${way.agent.seen}orders-password`)}" } }]
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { names: [shop] }
  rules: [{ name: read, effect: allow, callers: { groups: [engineering] }, operations: [select] }]
  masks: [{ columns: [public.customers.email], method: email }]
`

  test('start with the files that they are told of, join, and lead to a masked row; SIGTERM ends them well', async () => {
    running.push(await machine.start(way.controlPlane(machine, ports), ports.controlMetrics))
    const admin = await person('adam')
    const joined = await admin.post('/api/v1/agents/join-tokens', { agentName: way.agentName })
    expect(joined.status, joined.text).toBe(201)
    writeFileSync(join(machine.at(way.agent.secrets), 'join-token'), joined.body.token, { mode: 0o600 })
    const agent = await machine.start(way.agentOf(machine, ports), ports.agentMetrics)
    running.push(agent)
    const applied = await admin.post('/api/v1/apply', { yaml: documents() })
    expect(applied.status, applied.text).toBe(200)
    const ann = await person('ann')
    const rows = await until('the agent serves it', async () => {
      const client = await ann.client().catch(() => null)
      return (
        client && (await using(client, async (open) => (await open.query('SELECT email FROM customers LIMIT 1')).rows))
      )
    })
    expect(rows).toEqual([{ email: '***@example.test' }])
    // Again, with the token that is used: it has joined, and keeps its key.
    await agent.stop()
    expect(await agent.exited).toBe(0)
    running.push(await machine.start(way.agentOf(machine, ports), ports.agentMetrics))
    for (const child of running) await child.stop()
    expect(await Promise.all(running.map((child) => child.exited))).toEqual([0, 0, 0])
  }, 120_000)
})
