// Generates packages/proto/src/gen from proto/, or with --check says whether what is committed is what would come out.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const target = join(root, 'packages', 'proto', 'src', 'gen')
const path = `${join(root, 'packages', 'proto', 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`

function buf(...parameters: string[]): void {
  const done = spawnSync('buf', parameters, { cwd: root, env: { ...process.env, PATH: path }, encoding: 'utf8' })
  if (done.status === 0) return
  process.stderr.write(
    `buf ${parameters.join(' ')}:\n${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}\n`,
  )
  process.exit(1)
}

function contentOf(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return new Map(
    files.map((entry) => {
      const file = join(entry.parentPath, entry.name)
      return [relative(folder, file), readFileSync(file, 'utf8')]
    }),
  )
}

buf('lint', 'proto')
const scratch = mkdtempSync(join(tmpdir(), 'sallyport-gen-'))
try {
  buf('generate', '--output', scratch)
  const made = contentOf(join(scratch, 'packages', 'proto', 'src', 'gen'))
  if (process.argv.includes('--check')) {
    const committed = contentOf(target)
    const stale = [...new Set([...made.keys(), ...committed.keys()])].filter(
      (file) => made.get(file) !== committed.get(file),
    )
    if (stale.length > 0) {
      process.stderr.write(`not what proto/ gives: ${stale.join(', ')}; run tsx packages/tools/gen.ts\n`)
      process.exitCode = 1
    }
  } else {
    rmSync(target, { recursive: true, force: true })
    cpSync(join(scratch, 'packages', 'proto', 'src', 'gen'), target, { recursive: true })
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
