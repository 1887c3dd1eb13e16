// The least that a reverse proxy in Node can be: node:https before undici, and nothing looked at. What the agent can at best cost.
//   node node-proxy.mjs CERT KEY PORT API_PORT
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { createRequire } from 'node:module'

const { Pool } = createRequire(new URL('../../apps/agent/package.json', import.meta.url))('undici')
const [cert, key, port, api] = process.argv.slice(2)
const pool = new Pool(`http://127.0.0.1:${api}`, { connections: 256 })
const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
  pool.request({ method: request.method, path: request.url }).then(
    ({ statusCode, headers, body }) => {
      response.writeHead(statusCode, headers)
      body.pipe(response)
    },
    () => response.destroy(),
  )
})
server.maxRequestsPerSocket = 0
server.listen(Number(port), '127.0.0.1')
