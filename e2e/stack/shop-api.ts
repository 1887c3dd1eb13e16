// An HTTP API over the demo's shop, as somebody would write it with Node alone: it knows the database's own credential and no
// caller. Behind the gateway it is a target like any other (docs/http.md).
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { askShop } from './shop.ts'

export interface ShopApi {
  readonly port: number
  /** What it was asked, as `GET /v1/orders`. */
  readonly asked: readonly string[]
  stop(): Promise<void>
}

/** `database`: where the shop is; `credential`: what its callers have to know. */
export async function startShopApi(database: string, credential: string): Promise<ShopApi> {
  const asked: string[] = []
  const http = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://shop.example')
    asked.push(`${request.method} ${url.pathname}`)
    if (request.headers.authorization !== `Bearer ${credential}`) return void response.writeHead(401).end()
    const rows = await answer(database, `${request.method} ${url.pathname}`, url.searchParams).catch(() => null)
    response.writeHead(rows === null ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(rows ?? { error: 'not found' }))
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    port: (http.address() as AddressInfo).port,
    asked,
    async stop() {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

async function answer(database: string, route: string, query: URLSearchParams): Promise<object | null> {
  switch (route) {
    case 'GET /v1/customers': {
      const sql = 'SELECT id, name, email, phone, ssn FROM customers WHERE name LIKE $1 ORDER BY id LIMIT 20'
      return { customers: await askShop(database, sql, `${query.get('name') ?? ''}%`) }
    }
    case 'GET /v1/orders': {
      const sql = 'SELECT id, customer_id, status FROM orders WHERE status LIKE $1 ORDER BY id LIMIT 20'
      return { orders: await askShop(database, sql, `${query.get('status') ?? ''}%`) }
    }
    default:
      return null
  }
}
