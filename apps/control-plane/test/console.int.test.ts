// The console as browsers get it: pages, files, caches, the strict policy, and nothing from beside its folder; and where a
// sign-in lands.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildTestApp, type TestApp } from './build.ts'
import { stopServer } from './stack.ts'

let directory: string
let test: TestApp
let bare: TestApp
const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sallyport-console-'))
  const root = join(directory, 'dist')
  await mkdir(join(root, 'assets'), { recursive: true })
  await writeFile(join(directory, 'secret.js'), 'secret')
  await writeFile(join(root, 'index.html'), '<!doctype html><title>the console</title>')
  await writeFile(join(root, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
  await writeFile(join(root, '.env.js'), 'secret')
  await writeFile(join(root, 'assets', 'index-1a2b3c4d.js'), 'export {}')
  await symlink(join(root, 'assets'), join(root, 'loop.d'))
  test = await buildTestApp({ consoleDirectory: root })
  bare = await buildTestApp({ consoleDirectory: join(directory, 'absent') })
})
afterAll(async () => {
  await test.close()
  await bare.close()
  await stopServer()
  await rm(directory, { recursive: true, force: true })
})

it.each(['/', '/approvals/5', '/sessions?q=orders', '/index.html'])('gives the page for %s', async (url) => {
  const response = await test.app.inject({ url, headers: browser })
  expect(response.statusCode).toBe(200)
  expect(response.body).toContain('the console')
  expect(response.headers['content-type']).toContain('text/html')
  expect(response.headers['cache-control']).toBe('no-cache')
  expect(response.headers['content-security-policy']).toMatch(/default-src 'none'.*script-src 'self'/)
  expect(response.headers['content-security-policy']).not.toContain('unsafe')
})

it('gives hashed assets for good, and other files after asking again', async () => {
  const asset = await test.app.inject({ url: '/assets/index-1a2b3c4d.js' })
  expect(asset.statusCode).toBe(200)
  expect(asset.body).toBe('export {}')
  expect(asset.headers['content-type']).toContain('javascript')
  expect(asset.headers['x-content-type-options']).toBe('nosniff')
  expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable')
  const icon = await test.app.inject({ url: '/icon.svg' })
  expect(icon.headers['content-type']).toContain('image/svg+xml')
  expect(icon.headers['cache-control']).toBe('no-cache')
  const again = await test.app.inject({ url: '/icon.svg', headers: { 'if-none-match': String(icon.headers['etag']) } })
  expect(again.statusCode).toBe(304)
})

it.each([
  '/../secret.js',
  '/%2e%2e/secret.js',
  '/assets/..%2f..%2fsecret.js',
  '/assets/../../secret.js',
  '/.env.js',
  '/assets',
  '/assets/',
  '/loop.d',
  '/absent.js',
  '/api/v1/absent',
  '/auth/absent',
  '/.well-known/absent.json',
])('has nothing at %s (THREATS R-4.5)', async (url) => {
  const response = await test.app.inject({ url })
  expect(response.statusCode).toBe(404)
  expect(response.headers['content-type']).toContain('application/problem+json')
  expect(response.headers['cache-control']).toBe('no-store')
  expect(response.body).not.toContain('secret')
})

it('never answers a change with a page', async () => {
  const response = await test.app.inject({ method: 'POST', url: '/approvals', headers: browser })
  expect(response.statusCode).toBe(404)
  expect(response.json()).toMatchObject({ code: 'NOT_FOUND' })
})

it('says that it was not built when it was not', async () => {
  const response = await bare.app.inject({ url: '/', headers: browser })
  expect(response.statusCode).toBe(200)
  expect(response.body).toContain('SALLYPORT_CONSOLE_DIR')
  expect(response.headers['content-security-policy']).toContain("default-src 'none'")
  expect((await bare.app.inject({ url: '/assets/index.js' })).statusCode).toBe(404)
})

it.each([
  ['/auth/callback?code=x&state=forged', 'LOGIN_FAILED'],
  ['/auth/callback?error=access_denied', 'LOGIN_FAILED'],
  ['/auth/login?provider=unknown', 'REQUEST_INVALID'],
  ['/auth/login?returnTo=//evil.test/', 'REQUEST_INVALID'],
  ['/auth/login?returnTo=https://evil.test/', 'REQUEST_INVALID'],
  ['/auth/login?returnTo=/%5Cevil.test', 'REQUEST_INVALID'],
])('shows a person who failed at %s the sign-in page (THREATS R-6.9)', async (url, code) => {
  const response = await test.app.inject({ url, headers: browser })
  expect(response.statusCode).toBe(302)
  expect(response.headers.location).toBe(`/sign-in?error=${code}`)
  const machine = await test.app.inject({ url })
  expect(machine.headers['content-type']).toContain('application/problem+json')
  expect(machine.json()).toMatchObject({ code })
})
