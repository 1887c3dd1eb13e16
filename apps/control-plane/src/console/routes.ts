// The built console as files: the page itself for every place in it, assets under their hashed names. Serves one folder
// and nothing beside it; without a build it says so.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import { SallyportError } from '@sallyport/base/errors'
import type { FastifyReply } from 'fastify'
import type { Deps } from '../deps.ts'
import { type App, atPage } from '../http/route.ts'
import { askedFor, noCache } from './rules.ts'

const notBuilt = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Sallyport</title></head>
<body>
<h1>The console was not built</h1>
<p>The API of this control plane works. To get the console, build it and start again, or point
<code>SALLYPORT_CONSOLE_DIR</code> at a build.</p>
</body>
</html>
`

export async function consoleRoutes(app: App, deps: Pick<Deps, 'config'>): Promise<void> {
  const root = deps.config.consoleDirectory
  // Only `sendFile` is taken from the plugin: routes stand in our own table.
  await app.register(fastifyStatic, { root, serve: false, cacheControl: false, dotfiles: 'deny', index: false })
  app.route({
    ...atPage('console'),
    schema: { hide: true },
    handler: async (request, reply) => {
      const asked = askedFor(request.url.split('?')[0] ?? '/', request.headers.accept)
      switch (asked.kind) {
        case 'nothing':
          throw new SallyportError('NOT_FOUND', 'there is nothing at this path; see /api/openapi.json')
        case 'page':
          return await sendPage(root, reply)
        case 'file':
          if (!(await isFile(join(root, asked.path)))) throw new SallyportError('NOT_FOUND', 'there is no such file')
          return await reply.header('cache-control', asked.cacheControl).sendFile(asked.path)
      }
    },
  })
}

async function sendPage(root: string, reply: FastifyReply): Promise<FastifyReply> {
  reply.header('cache-control', noCache)
  if (await isFile(join(root, 'index.html'))) return await reply.sendFile('/index.html')
  return await reply.code(200).type('text/html; charset=utf-8').send(notBuilt)
}

const isFile = async (path: string): Promise<boolean> =>
  await stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
