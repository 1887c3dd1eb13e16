// What deploy/ promises, as far as it can be proven without a container engine: the files are what we mean them to be, and
// the containers' exact commands and variables, run on this machine, lead to a masked row and to an approved DELETE.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Host, openHost } from './deploy/host.ts'
import { imageOf, inherited, readCompose, readDockerfile, type Service } from './deploy/images.ts'
import { decide, nextPending } from './stack/holds.ts'
import { deviceIdTokenOf } from './stack/idp.ts'
import { loginAs, type PersonApi, personApi, writeCliLogin } from './stack/people-api.ts'
import { startReaper } from './stack/reaper.ts'
import { root } from './stack/root.ts'
import { hasPsql } from './stack/use.ts'

const stages = readDockerfile()
const { compose, problems } = readCompose()
const services: [string, Service][] = Object.entries(compose.services)
const ours = services.filter(([, service]) => service.build !== undefined)
const finals = ['control-plane', 'agent', 'cli', 'demo', 'demo-idp']

describe('the Dockerfile', () => {
  test('has a target for each image', () => {
    expect(stages.map(({ name }) => name)).toEqual(['build', 'run', ...finals])
  })

  test.each(finals)(
    '%s runs as a number that is not root, says its health, and runs no command in its last stage',
    (name) => {
      const image = imageOf(stages, name)
      expect(image.user).toMatch(/^[1-9][0-9]{3,}:[1-9][0-9]{3,}$/)
      expect(image.health, 'HEALTHCHECK is missing').not.toBeUndefined()
      expect(image.entrypoint[0]).toBe('node')
      expect(inherited(stages, name).filter((one) => one.name === 'RUN')).toEqual([])
    },
  )

  test.each(['control-plane', 'agent', 'demo-idp'])('%s looks at its own health with node alone', (name) => {
    expect(imageOf(stages, name).health?.[0]).toBe('node')
  })

  test('copies only what is there, and what the build stage makes', () => {
    const build = stages.find(({ name }) => name === 'build')?.instructions ?? []
    const commands = build
      .filter(({ name }) => name === 'RUN')
      .map(({ text }) => text)
      .join('\n')
    for (const { text } of stages.flatMap(({ instructions }) => instructions).filter(({ name }) => name === 'COPY')) {
      const isBuilt = text.includes('--from=build')
      const sources = text
        .split(/\s+/)
        .filter((word) => !word.startsWith('--'))
        .slice(0, -1)
      for (const source of sources) {
        const path = source.replace(/^\/src\//, '')
        const isThere = source.startsWith('/out/')
          ? commands.includes(source)
          : existsSync(join(root, isBuilt ? path.replace(/\/dist$/, '') : source))
        expect(isThere, `COPY ${source}`).toBe(true)
      }
    }
  })

  test('holds no secret and fetches nothing but packages by the lock file', () => {
    const text = readFileSync(join(root, 'deploy', 'Dockerfile'), 'utf8')
    expect(text).not.toMatch(/^ADD /m)
    expect(text).not.toMatch(/(PASSWORD|SECRET|TOKEN)[A-Z_]*=/)
    expect(text).not.toMatch(/\b(curl|wget|apt-get)\b/)
  })

  test('is given no folder that was made on the machine that builds', () => {
    const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')
    expect(ignored).toEqual(
      expect.arrayContaining(['.git', '**/node_modules', '**/dist', 'apps/control-plane/src/gen']),
    )
  })
})

describe('compose.yaml', () => {
  test('says nothing but what the Compose specification has and we mean', () => {
    expect(problems).toEqual([])
  })

  test.each(services)('%s names an image, volumes, services and files that there are', (_, service) => {
    expect(service.image).toMatch(/^(sallyport\/[a-z-]+|[a-z]+:[0-9][a-z0-9.-]*)$/)
    if (service.build !== undefined) {
      expect(stages.map(({ name }) => name)).toContain(service.build.target)
      expect(resolve(root, 'deploy', service.build.context)).toBe(root)
      expect(existsSync(join(root, service.build.dockerfile))).toBe(true)
    }
    for (const volume of service.volumes ?? []) {
      const [source = '', , mode] = volume.split(':')
      if (!source.startsWith('.')) expect(compose.volumes).toHaveProperty(source)
      else {
        expect(mode, volume).toBe('ro')
        const file = resolve(root, 'deploy', source)
        expect(existsSync(file), volume).toBe(true)
        if (file.endsWith('.sh'))
          expect(statSync(file).mode & 0o111, 'PostgreSQL runs only what may be run').toBe(0o111)
      }
    }
    const shared = service.network_mode?.replace('service:', '')
    if (shared !== undefined && shared !== 'none') expect(compose.services).toHaveProperty(shared)
  })

  test.each(services)('%s waits only for what can happen', (_, service) => {
    for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
      const needed = compose.services[name]
      expect(needed, name).toBeDefined()
      const isHealthy = needed?.healthcheck !== undefined || imageOf(stages, needed?.build?.target ?? '').health != null
      if (condition === 'service_healthy') expect(isHealthy, `${name} has no health check`).toBe(true)
      else expect(needed?.restart, `${name} never ends`).toBe('no')
    }
  })

  test.each(ours)('%s may write to its volumes and nowhere else, and has no rights', (_, service) => {
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
  })

  test.each(services)('%s is told where secrets lie, and no secret', (_, service) => {
    for (const [key, value] of Object.entries(service.environment ?? {}))
      if (/PASSWORD|SECRET|TOKEN|_KEY/.test(key))
        expect([key, value]).toEqual([expect.stringMatching(/_FILE$/), expect.stringMatching(/^\//)])
    expect(JSON.stringify(service.environment ?? {})).not.toMatch(/:\/\/[^/"]*:[^/"]*@/)
  })

  test('uses every volume that it declares', () => {
    const used = new Set(services.flatMap(([, service]) => (service.volumes ?? []).map((text) => text.split(':')[0])))
    expect(Object.keys(compose.volumes).filter((name) => !used.has(name))).toEqual([])
  })

  test('gives the credential of the target to the agent, and to nobody who serves callers or people', () => {
    const readers = services.filter(([, service]) =>
      service.volumes?.some((text) => /^(agent|shop)-secrets:/.test(text)),
    )
    expect(readers.map(([name]) => name).sort()).toEqual(['agent', 'init', 'setup', 'shop'])
  })
})

const hasRedis = spawnSync('redis-server', ['--version']).status === 0
const isBuilt = existsSync(join(root, 'apps', 'agent', 'dist', 'main.js'))

describe.skipIf(!hasPsql || !hasRedis || !isBuilt)('the containers’ commands, on this machine', () => {
  let dir: string
  let host: Host
  let stop: () => Promise<void>
  const url = () => `http://localhost:${host.port(8700)}`
  const issuer = () => `http://localhost:${host.port(8701)}`
  const person = async (login: string): Promise<PersonApi> => {
    const provider = { deviceIdToken: (name: string) => deviceIdTokenOf(issuer(), name) }
    const made = await loginAs(provider, url(), login)
    writeCliLogin(host.volume('cli-data'), url(), made)
    return personApi(url(), login, made.accessToken)
  }

  beforeAll(async () => {
    const bundled = spawnSync(process.execPath, [join(root, 'deploy', 'bundle.mjs')], { encoding: 'utf8' })
    expect(bundled.status, bundled.stderr).toBe(0)
    dir = mkdtempSync(join(tmpdir(), 'sallyport-compose-'))
    chmodSync(dir, 0o755)
    const reaper = startReaper(dir)
    host = await openHost(compose, dir, reaper)
    stop = async () => {
      await host.stop()
      rmSync(dir, { recursive: true, force: true })
      await reaper.done()
    }
    await host.up('handout')
  }, 300_000)
  afterAll(async () => await stop?.(), 180_000)

  test('init put each secret where its one reader is, and made none twice', async () => {
    const files = (name: string) => readdirSync(host.volume(name)).sort()
    expect(files('agent-secrets')).toEqual(['join-token', 'shop-password'])
    expect(files('function-secrets')).toEqual(['authority.pem', 'workload-secret'])
    expect(files('idp-secrets')).toEqual(['console-secret', 'workload-secret'])
    const password = readFileSync(join(host.volume('agent-secrets'), 'shop-password'), 'utf8')
    expect(readFileSync(join(host.volume('shop-secrets'), 'app-password'), 'utf8')).toBe(password)
    expect((await host.run('init', [])).status).toBe(0)
    expect(readFileSync(join(host.volume('agent-secrets'), 'shop-password'), 'utf8')).toBe(password)
  })

  test('the function reads masked rows with nothing but its platform’s token', async () => {
    const { status, output } = await host.run('report', [])
    expect(output).toMatch(/^SELECT 3$/m)
    expect(output.match(/"\*\*\*@example\.test"/g)).toHaveLength(3)
    expect(status).toBe(0)
  })

  test('the command line’s container queries the shop as ann', async () => {
    await person('ann')
    const { status, output } = await host.run('cli', [
      'query',
      'shop',
      'SELECT email FROM public.customers LIMIT 1',
      '--json',
    ])
    expect(output).toContain('***@example.test')
    expect(status).toBe(0)
  })

  test('setup runs again with every start, and gives no second token to an agent that has joined', async () => {
    const { status, output } = await host.run('setup', [])
    expect(output).toContain('has joined before')
    expect(status).toBe(0)
  })

  test('the function’s DELETE waits for bob while the function goes on, and runs once he approves', async () => {
    const bob = await person('bob')
    let hasGoneOn: () => void = () => {}
    const goneOn = new Promise<void>((done) => {
      hasGoneOn = done
    })
    const deleted = host.run('report', ['DELETE FROM public.payments WHERE id = 1'], (soFar) => {
      if (soFar.includes('going on with other work')) hasGoneOn()
    })
    const early = await Promise.race([goneOn, deleted])
    expect(early, 'it ended before anybody decided').toBeUndefined()
    const request = await nextPending(bob)
    const approved = await decide(bob, request.id, 'approved')
    expect(approved.status, approved.text).toBe(200)
    const { status, output } = await deleted
    expect(output).toMatch(/^DELETE 1$/m)
    expect(status).toBe(0)
  })

  test('everything ends by itself after SIGTERM, with status 0', async () => {
    const statuses = await host.stop()
    expect(Object.fromEntries(statuses)).toMatchObject({ 'control-plane': 0, agent: 0, 'demo-idp': 0 })
  })
})
