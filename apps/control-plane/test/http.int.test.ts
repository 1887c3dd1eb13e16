// What every answer has in common: headers, ids, problem documents that leak nothing, and a description that is true.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { type RouteName, routes } from '@sallyport/api/routes'
import { errorCodes, errorDocsUrl } from '@sallyport/base/errors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildApp } from '../src/app.ts'
import { createMetrics } from '../src/metrics.ts'
import { buildTestApp, type TestApp } from './build.ts'
import { makeDocuments, makeRole, roleDocuments } from './make.ts'
import { stopServer } from './stack.ts'

let test: TestApp
beforeAll(async () => {
  test = await buildTestApp()
})
afterAll(async () => {
  await test.close()
  await stopServer()
})

describe('a control plane that stops', () => {
  const listening = async () => {
    const app = await buildApp({ ...test.deps, metrics: createMetrics() })
    const port = () => (app.server.address() as AddressInfo).port
    return { app, port, listen: async () => await app.listen({ host: '127.0.0.1', port: 0 }) }
  }

  it('is not held up by a connection that comes meanwhile', async () => {
    const { app, port, listen } = await listening()
    app.addHook('preClose', async () => {
      const arrived = once(app.server, 'connection')
      connect(port(), '127.0.0.1')
        .on('error', () => {})
        .resume()
      await arrived
    })
    await listen()
    await app.close()
  }, 20_000)

  it('finishes a request, and is not held up by a client that has its answer and stays', async () => {
    const { app, port, listen } = await listening()
    await listen()
    const asked = once(app.server, 'request')
    const client = connect({ host: '127.0.0.1', port: port(), allowHalfOpen: true })
    const answer: Buffer[] = []
    client.on('data', (bytes: Buffer) => answer.push(bytes))
    const body = '{"host":"build-7"}'
    const fields = ['host: x', 'content-type: application/json', `content-length: ${body.length}`]
    client.write(`POST /api/v1/auth/device HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n{`)
    await asked
    const closed = app.close()
    await expect.poll(() => app.server.listening).toBe(false)
    const ended = once(client, 'end')
    client.write(body.slice(1))
    await Promise.all([ended, closed])
    expect(Buffer.concat(answer).toString()).toMatch(/^HTTP\/1\.1 200 /)
    client.destroy()
  }, 20_000)
})

describe('every answer', () => {
  it.each(['/healthz', '/nowhere', '/api/v1/me', '/auth/callback'])(
    'of %s is locked down (THREATS R-6.9)',
    async (url) => {
      const { headers } = await test.app.inject({ url })
      expect(headers['content-security-policy']).toContain("default-src 'none'")
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(headers['content-security-policy']).not.toContain('unsafe')
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['referrer-policy']).toBe('no-referrer')
      expect(headers['strict-transport-security']).toContain('max-age=31536000')
      expect(headers['cache-control']).toBe('no-store')
      expect(headers['access-control-allow-origin']).toBeUndefined()
      expect(headers['x-request-id']).toMatch(/^[0-9a-f]{24}$/)
    },
  )

  it('has an id of ours, whatever the client sends', async () => {
    const response = await test.app.inject({
      url: '/nowhere',
      headers: { 'x-request-id': 'forged', 'request-id': 'forged' },
    })
    expect(response.json().requestId).not.toBe('forged')
    expect(test.logged()).toContain(response.json().requestId)
    expect(test.logged()).not.toContain('forged')
  })

  it.each(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const)(
    'to %s nowhere is a problem document',
    async (method) => {
      const response = await test.app.inject({ method, url: '/api/v1/nowhere?x=<script>' })
      expect(response.statusCode).toBe(404)
      expect(response.headers['content-type']).toContain('application/problem+json')
      expect(response.json()).toMatchObject({ code: 'NOT_FOUND', status: 404 })
      expect(response.body).not.toContain('script')
    },
  )

  it.each(['/api/v1/resources/%', '/%E0%A4%A'])('to the malformed path %s is a problem document', async (url) => {
    const response = await test.app.inject({ url })
    expect(response.statusCode).toBeGreaterThanOrEqual(400)
    expect(response.statusCode).toBeLessThan(500)
    expect(response.headers['content-type']).toContain('application/problem+json')
  })

  it('to bytes that are no HTTP is a problem document too', async () => {
    const served = await buildTestApp({ logLevel: 'silent' })
    try {
      await served.app.listen({ host: '127.0.0.1', port: 0 })
      const { port } = served.app.server.address() as AddressInfo
      const socket = connect(port, '127.0.0.1')
      socket.end('NONSENSE\r\n\r\n')
      const text = Buffer.concat(await socket.toArray()).toString()
      expect(text).toMatch(/^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*"REQUEST_INVALID"/)
    } finally {
      await served.close()
    }
  })

  it('about an error of ours says nothing about it, and the log does', async () => {
    const broken = await buildTestApp(
      {},
      {
        providers: {
          find: () => {
            throw new Error('secret detail at /srv/x.ts')
          },
        } as never,
      },
    )
    try {
      const payload = { provider: 'x', idToken: 'y' }
      const response = await broken.app.inject({ method: 'POST', url: '/api/v1/auth/cli', payload })
      expect(response.statusCode).toBe(500)
      expect(response.json()).toMatchObject({ code: 'INTERNAL', type: errorDocsUrl('INTERNAL') })
      expect(response.body).not.toContain('secret detail')
      expect(broken.logged()).toContain('secret detail')
    } finally {
      await broken.close()
    }
  })

  it('without the store is 503, and nobody is let in', async () => {
    const lost = await buildTestApp()
    try {
      await makeDocuments(lost, roleDocuments)
      const admin = await makeRole(lost, 'admin')
      await lost.deps.db.$disconnect()
      const name = new URL(lost.deps.config.databaseUrl.reveal()).pathname.slice(1)
      const { query } = await import('./stack.ts')
      const elsewhere = new URL(lost.deps.config.databaseUrl.reveal())
      elsewhere.pathname = '/postgres'
      await query(elsewhere.href, `ALTER DATABASE "${name}" RENAME TO "${name}_gone"`)
      for (const url of ['/api/v1/me', '/readyz', '/api/v1/audit']) {
        const response = await lost.app.inject({ url, headers: admin.headers })
        expect(response.json()).toMatchObject({ code: 'STORE_UNREACHABLE', status: 503 })
        expect(response.body).not.toContain(name)
      }
      expect((await lost.app.inject({ url: '/healthz' })).statusCode).toBe(200)
      await query(elsewhere.href, `ALTER DATABASE "${name}_gone" RENAME TO "${name}"`)
      expect((await lost.app.inject({ url: '/readyz' })).statusCode).toBe(200)
    } finally {
      await lost.close()
    }
  })

  it('can name only errors that have a page', () => {
    const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
    for (const code of Object.keys(errorCodes)) expect(page).toContain(`## ${code}\n`)
  })
})

describe('the description of the API', () => {
  type Operation = {
    operationId: string
    security: object[]
    responses: Record<string, { content?: Record<string, { schema: object }> }>
    parameters?: { name: string; in: string; required?: boolean }[]
    requestBody?: { content: Record<string, { schema: object }> }
  }
  let document: { openapi: string; info: object; paths: Record<string, Record<string, Operation>> }
  beforeAll(async () => {
    document = (await test.app.inject({ url: '/api/openapi.json' })).json()
  })
  const operations = () =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )

  it('is OpenAPI 3.1', () => {
    expect(document.openapi).toBe('3.1.0')
    expect(document.info).toMatchObject({ title: 'Sallyport', version: expect.any(String) })
  })

  it('holds every route of the table and no other', () => {
    const described = operations().map(({ path, method, operation }) => `${operation.operationId} ${method} ${path}`)
    const expected = (Object.keys(routes) as RouteName[]).map(
      (name) => `${name} ${routes[name].method.toLowerCase()} ${routes[name].path.replace(/:(\w+)/g, '{$1}')}`,
    )
    expect(described.sort()).toEqual(expected.sort())
  })

  it('says for every operation who may call, what comes back, and that errors are problem documents', () => {
    for (const { path, operation } of operations()) {
      const name = operation.operationId as RouteName
      const { access } = routes[name]
      expect(operation.security, path).toHaveLength(access === 'public' ? 0 : access === 'scim' ? 1 : 2)
      const codes = Object.keys(operation.responses)
      expect(
        codes.some((code) => /^[23]\d\d$/.test(code)),
        path,
      ).toBe(true)
      expect(operation.responses['default']?.content, path).toHaveProperty(['application/problem+json'])
      for (const placeholder of path.matchAll(/\{(\w+)\}/g))
        expect(operation.parameters, path).toContainEqual(
          expect.objectContaining({ name: placeholder[1], in: 'path', required: true }),
        )
      if (['apply', 'token', 'cliLogin', 'explain', 'joinToken'].includes(name))
        expect(Object.values(operation.requestBody?.content ?? {})[0]?.schema, path).toMatchObject({ type: 'object' })
    }
  })

  it('refers to nothing that is not there, and uses no word of OpenAPI 3.0', () => {
    const text = JSON.stringify(document)
    for (const [, reference = ''] of text.matchAll(/"\$ref":"#([^"]*)"/g)) {
      const found = reference
        .split('/')
        .slice(1)
        .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document)
      expect(found, reference).toBeDefined()
    }
    expect(text).not.toContain('"nullable"')
  })
})
