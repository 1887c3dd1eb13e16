// The log on a disk that is full.
import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const file = fileURLToPath(new URL('log.ts', import.meta.url))
const tsx = fileURLToPath(new URL('../../../node_modules/.bin/tsx', import.meta.url))

test('a log that cannot be written ends nothing', () => {
  const full = openSync('/dev/full', 'w')
  const code = `import { createLog } from ${JSON.stringify(file)}
    const log = createLog('info')
    for (let at = 0; at < 20_000; at++) log.info({ at, text: 'x'.repeat(200) }, 'line')
    process.stderr.write('still here')`
  const ran = spawnSync(tsx, ['-e', code], { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' })
  closeSync(full)
  expect(ran).toMatchObject({ status: 0, stderr: 'still here' })
})
