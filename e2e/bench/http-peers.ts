// What the agent is compared with over HTTP: an API of nginx's own, and nginx and haproxy as reverse proxies before it. Each is a
// process of the bench, in the foreground, with files in the bench's folder.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'
import { makeServerCertificate } from '../stack/certs.ts'
import { freePort } from '../stack/postgres.ts'
import { until } from '../stack/until.ts'
import { find } from './tools.ts'

export interface HttpTools {
  readonly nginx: string
  readonly wrk: string
  /** Absent: it is left out. */
  readonly haproxy: string | undefined
}

type Closers = (() => Promise<void>)[]

export function findHttpTools(): HttpTools {
  const [nginx, wrk, haproxy] = [find('nginx'), find('wrk'), find('haproxy')]
  if (nginx !== undefined && wrk !== undefined) return { nginx, wrk, haproxy }
  throw new SallyportError('NOT_FOUND', 'nginx or wrk is not on this machine', {
    hint: 'apt-get install nginx-light wrk',
  })
}

/** Twenty orders: some 1.3 kB. */
const orders = JSON.stringify({
  orders: Array.from({ length: 20 }, (_, at) => ({ id: at, email: `person-${at}@shop.example`, cents: 100 * at })),
})

/** One worker, as the agent is one process. */
const nginxFile = (dir: string, name: string, server: string): string => `
daemon off; worker_processes 1; pid ${dir}/${name}.pid; error_log ${dir}/${name}.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000; keepalive_timeout 75; sendfile on; default_type application/json;
  client_body_temp_path ${dir}/${name}-body; proxy_temp_path ${dir}/${name}-proxy; fastcgi_temp_path ${dir}/${name}-fast;
  uwsgi_temp_path ${dir}/${name}-uwsgi; scgi_temp_path ${dir}/${name}-scgi;
  ${server}
}
`

async function startServer(file: string, parameters: readonly string[], port: number, closers: Closers): Promise<void> {
  const child = spawn(file, [...parameters], { stdio: ['ignore', 'ignore', 2] })
  const ended = once(child, 'close')
  closers.push(async () => {
    child.kill('SIGTERM')
    await ended
  })
  await until(`${file} on port ${port}`, async () => {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return true
    } finally {
      socket.destroy()
    }
  })
}

async function certificateFiles(
  dir: string,
): Promise<{ readonly cert: string; readonly key: string; readonly both: string }> {
  const { cert, key } = await makeServerCertificate('bench')
  const files = { cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem'), both: join(dir, 'both.pem') }
  writeFileSync(files.cert, cert)
  writeFileSync(files.key, key, { mode: 0o600 })
  writeFileSync(files.both, `${cert}\n${key}`, { mode: 0o600 })
  return files
}

/** The API without TLS for proxies, and with it for whoever asks directly. */
export async function startApi(
  { nginx }: HttpTools,
  dir: string,
  bodyMib: number,
  closers: Closers,
): Promise<{ readonly port: number; readonly url: string }> {
  const root = join(dir, 'api')
  mkdirSync(root)
  writeFileSync(join(root, 'orders.json'), orders)
  const big = join(root, 'big')
  closeSync(openSync(big, 'w'))
  truncateSync(big, bodyMib * 1_048_576)
  const { cert, key } = await certificateFiles(dir)
  const [port, tlsPort] = [await freePort(), await freePort()]
  const server = `open_file_cache max=10;
  server { listen 127.0.0.1:${port}; listen 127.0.0.1:${tlsPort} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; root ${root}; }`
  const file = join(dir, 'api.conf')
  writeFileSync(file, nginxFile(dir, 'api', server))
  await startServer(nginx, ['-p', dir, '-c', file, '-g', 'user root;'], port, closers)
  return { port, url: `https://localhost:${tlsPort}` }
}

export async function startNginx({ nginx }: HttpTools, dir: string, api: number, closers: Closers): Promise<string> {
  const { cert, key } = await certificateFiles(dir)
  const port = await freePort()
  const server = `upstream api { server 127.0.0.1:${api}; keepalive 256; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key};
    location / { proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }`
  const file = join(dir, 'proxy.conf')
  writeFileSync(file, nginxFile(dir, 'proxy', server))
  await startServer(nginx, ['-p', dir, '-c', file, '-g', 'user root;'], port, closers)
  return `https://localhost:${port}`
}

/** The least that a proxy in Node can be: how far the agent is from what its platform allows. */
export async function startNodeProxy(dir: string, api: number, closers: Closers): Promise<string> {
  const { cert, key } = await certificateFiles(dir)
  const port = await freePort()
  const script = join(import.meta.dirname, 'node-proxy.mjs')
  await startServer(process.execPath, [script, cert, key, String(port), String(api)], port, closers)
  return `https://localhost:${port}`
}

export async function startHaproxy(haproxy: string, dir: string, api: number, closers: Closers): Promise<string> {
  const { both } = await certificateFiles(dir)
  const port = await freePort()
  const file = join(dir, 'haproxy.cfg')
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:${port} ssl crt ${both} alpn http/1.1
  default_backend api
backend api
  http-reuse always
  server one 127.0.0.1:${api}
`,
  )
  await startServer(haproxy, ['-db', '-f', file], port, closers)
  return `https://localhost:${port}`
}
