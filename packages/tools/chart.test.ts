// deploy/helm and deploy/systemd are what we mean them to be: nothing runs as root, no secret stands in a variable, every agent
// has a name, a key and a volume of its own, and a network policy around it.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { renderChart } from './chart.ts'
import { schemaProblems } from './kubernetes-schema.ts'

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url))
const chart = join(deploy, 'helm', 'sallyport')
const exampleAgents = (): Record<string, any> => {
  // The example of values.yaml, which stands there as a comment.
  const text = readFileSync(join(chart, 'values.yaml'), 'utf8')
  const lines = text.slice(text.indexOf('agents: {}')).split('\n').slice(1)
  return parse(lines.map((line) => line.replace(/^#/, '')).join('\n'))
}
/** Their shapes are what the tests are about. */
const rendered = (changes: (values: any) => void) => renderChart(chart, changes) as Record<string, any>[]
/** The example, one with everything, and one that nobody may reach and that reaches nothing. */
const severalAgents = (): Record<string, any> => {
  const example = exampleAgents()
  return {
    ...example,
    'orders-2': { ...example['orders-1'], httpPort: 6433, config: true, storageClass: 'fast' },
    'orders-3': { ...example['orders-1'], ingress: [], egress: [], resources: {} },
  }
}
const documents = rendered((values) => {
  values['agents'] = severalAgents()
})
const ofKind = (kind: string) => documents.filter((document) => document['kind'] === kind)
const pods = [...ofKind('Deployment'), ...ofKind('StatefulSet')]

describe('the chart', () => {
  it('makes a control plane and each agent, and nothing of agents where there are none', () => {
    expect(pods.map((pod) => pod['metadata'].name)).toEqual(
      expect.arrayContaining([
        'acme-control-plane',
        'acme-agent-orders-1',
        'acme-agent-orders-2',
        'acme-agent-orders-3',
      ]),
    )
    const bare = rendered(() => undefined).map((document) => `${document['kind']}/${document['metadata'].name}`)
    expect(bare.filter((name) => name.includes('agent'))).toEqual([])
    const none = rendered((values) => {
      values['controlPlane'].enabled = false
    })
    expect(none).toEqual([])
    const names = documents.map((document) => `${document['kind']}/${document['metadata'].name}`)
    expect(new Set(names).size).toBe(names.length)
  })

  it.each(pods.map((pod) => [pod['metadata'].name, pod] as const))('%s runs without a right', (_name, pod) => {
    const { spec } = pod['spec'].template
    expect(spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 10001,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(spec.automountServiceAccountToken).toBe(false)
    for (const container of spec.containers) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      if (!pod['metadata'].name.endsWith('orders-3')) expect(container.resources.limits.memory).toBeDefined()
      for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
        const named = container.ports.map((port: { name: string }) => port.name)
        expect(named).toContain(container[probe].httpGet.port)
      }
    }
  })

  it.each(pods.map((pod) => [pod['metadata'].name, pod] as const))(
    '%s has secrets as files and none in variables',
    (_name, pod) => {
      const { spec } = pod['spec'].template
      const claims = (pod['spec'].volumeClaimTemplates ?? []).map((claim: any) => claim.metadata.name)
      const volumes = [...(spec.volumes ?? []).map((volume: { name: string }) => volume.name), ...claims]
      for (const { env, envFrom, volumeMounts } of spec.containers) {
        expect(envFrom).toBeUndefined()
        for (const variable of env) {
          expect(variable.valueFrom).toBeUndefined()
          expect(variable.name).not.toMatch(/PASSWORD|SECRET|DATABASE_URL|JOIN_TOKEN$/)
        }
        for (const mount of volumeMounts) expect(volumes).toContain(mount.name)
      }
      for (const { secret } of spec.volumes.filter((volume: { secret?: unknown }) => volume.secret !== undefined))
        expect(secret.defaultMode & 0o007).toBe(0)
    },
  )

  it('selects by labels that its pods carry, and puts a network policy around each', () => {
    const labels = pods.map((pod) => pod['spec'].template.metadata.labels)
    const selectors = [
      ...pods.map((pod) => pod['spec'].selector.matchLabels),
      ...ofKind('Service').map((service) => service['spec'].selector),
      ...ofKind('NetworkPolicy').map((policy) => policy['spec'].podSelector.matchLabels),
    ]
    const fits = (selector: object) =>
      labels.filter((one) => Object.entries(selector).every(([key, value]) => one[key] === value))
    for (const selector of selectors) expect(fits(selector)).toHaveLength(1)
    expect(ofKind('NetworkPolicy')).toHaveLength(pods.length)
    for (const policy of ofKind('NetworkPolicy')) expect(policy['spec'].policyTypes).toEqual(['Ingress', 'Egress'])
  })

  it('keeps the keys of the installation when it is taken away, and one replica for an agent', () => {
    const keys = ofKind('PersistentVolumeClaim')[0]
    expect(keys?.['metadata'].annotations['helm.sh/resource-policy']).toBe('keep')
    for (const agent of ofKind('StatefulSet')) expect(agent['spec'].replicas).toBe(1)
  })
})

describe('the schema of Kubernetes', () => {
  it('is kept by everything that the chart makes, with and without what may be left out', () => {
    const bare = rendered((values) => {
      Object.assign(values['controlPlane'], { egress: [], resources: {} })
    })
    expect(schemaProblems([...documents, ...bare])).toEqual([])
  }, 60_000)

  it('notices a key that is none, one in the wrong place, and a value of another type', () => {
    const [agent] = ofKind('StatefulSet')
    const changed = (change: (copy: any) => void) => {
      const copy = structuredClone(agent ?? {})
      change(copy)
      return schemaProblems([copy]).join()
    }
    const podOf = (copy: any) => copy.spec.template.spec
    expect(changed((copy) => Object.assign(podOf(copy).containers[0], { readyness: {} }))).toContain('readyness')
    expect(changed((copy) => Object.assign(podOf(copy), { livenessProbe: {} }))).toContain('livenessProbe')
    expect(changed((copy) => Object.assign(copy.spec, { replicas: '1' }))).toContain("to type 'number'")
  }, 60_000)

  it('is kept by the pod of the guide, whose token is for us, short, and mounted where it is read', () => {
    const guide = readFileSync(join(deploy, '..', 'docs', 'guides', 'kubernetes.md'), 'utf8')
    const blocks = [...guide.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => parseAllDocuments(text))
    const objects = blocks.flatMap((block) => block.map((document) => ('toJS' in document ? document.toJS() : null)))
    const [pod, ...others] = objects.filter((object) => object?.kind === 'Pod')
    expect(others).toEqual([])
    expect(schemaProblems([pod])).toEqual([])
    const [container] = pod.spec.containers
    const [{ serviceAccountToken: token }] = pod.spec.volumes[0].projected.sources
    expect(`${container.volumeMounts[0].mountPath}/${token.path}`).toBe(container.env[0].value)
    const issuer = objects.find((object) => object?.kind === 'TrustedIssuer')
    expect(issuer.spec.audiences).toEqual([token.audience])
  }, 60_000)
})

const helm = spawnSync('helm', ['version', '--short'])
describe.skipIf(helm.status !== 0)('helm itself', () => {
  it('finds nothing wrong with the chart, and makes of it what the tests look at', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-chart-'))
    const values = join(folder, 'values.yaml')
    writeFileSync(values, stringify({ agents: severalAgents() }))
    const run = (...words: string[]) => spawnSync('helm', [...words, '--values', values], { encoding: 'utf8' })
    const lint = run('lint', '--strict', chart)
    const made = run('template', 'acme', chart, '--kube-version', '1.30.0')
    rmSync(folder, { recursive: true, force: true })
    expect(lint.status, lint.stdout).toBe(0)
    expect(made.status, made.stderr).toBe(0)
    const named = (objects: readonly any[]) =>
      Object.fromEntries(objects.map((object) => [`${object.kind}/${object.metadata.name}`, object]))
    const objects = parseAllDocuments(made.stdout).map((document) => ('toJS' in document ? document.toJS() : null))
    expect(named(objects.filter((object) => object !== null))).toEqual(named(documents))
  })
})

describe('the units of systemd', () => {
  const units = readdirSync(join(deploy, 'systemd'))
  const textOf = (name: string) => readFileSync(join(deploy, 'systemd', name), 'utf8')

  it.each(units)('%s runs what the image runs, without a right, and has secrets as files', (name) => {
    const text = textOf(name)
    const app = name.includes('agent') ? 'agent' : 'control-plane'
    const entry = /ENTRYPOINT (\[.*\])/.exec(
      readFileSync(join(deploy, 'Dockerfile'), 'utf8').split(`FROM run AS ${app}\n`)[1] ?? '',
    )
    const command = (JSON.parse(entry?.[1] ?? '[]') as string[]).join(' ').replace('node ', '/usr/bin/node ')
    expect(text).toContain(`ExecStart=${command.replace('/app/', '/opt/sallyport/')}`)
    for (const line of ['DynamicUser=yes', 'CapabilityBoundingSet=', 'NoNewPrivileges=yes', 'ProtectSystem=strict'])
      expect(text.split('\n')).toContain(line)
    expect(text).toMatch(/^LoadCredential=/m)
    expect(text).not.toMatch(/^Environment=.*(PASSWORD|SECRET|DATABASE_URL)/m)
  })

  const verifier = spawnSync('systemd-analyze', ['--version'])
  it.skipIf(verifier.status !== 0)('are ones that systemd takes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-units-'))
    const copies = units.map((name) => {
      const copy = join(folder, name.replace('@.', '@orders.'))
      copyFileSync(join(deploy, 'systemd', name), copy)
      return copy
    })
    const said = spawnSync('systemd-analyze', ['verify', ...copies], { encoding: 'utf8' })
    rmSync(folder, { recursive: true, force: true })
    // Of this machine's own units it may say what it wants; that node lies elsewhere here is no matter.
    const ours = said.stderr
      .split('\n')
      .filter((line) => line.includes('sallyport') && !line.includes('is not executable'))
    expect(ours).toEqual([])
  })
})
