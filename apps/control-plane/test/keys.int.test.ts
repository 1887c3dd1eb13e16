// The keys directory: made whole, once, for one user and one installation.
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualClock } from '@sallyport/base/clock'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openKeys } from '../src/agents/keys.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-keys-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const open = async (installation = 'test') =>
  await openKeys({ directory, installation, clock: manualClock(Date.now()), randomBytes })
const set = () => join(directory, 'installation-keys')

test('keys are made at the first start, private, and are the same at the next', async () => {
  const first = await open()
  const second = await open()
  expect([first.created, second.created]).toEqual([true, false])
  expect(second.authority.certificatePem).toBe(first.authority.certificatePem)
  expect(second.snapshotSigner.keyId).toBe(first.snapshotSigner.keyId)
  expect(second.maskKey).toEqual(first.maskKey)
  expect(statSync(set()).mode & 0o777).toBe(0o700)
  for (const name of readdirSync(set())) expect(statSync(join(set(), name)).mode & 0o777).toBe(0o600)
})

test('first starts at the same time end with the same keys, and with nothing left over', async () => {
  const all = await Promise.all([open(), open(), open(), open()])
  expect(new Set(all.map(({ authority }) => authority.keyHash)).size).toBe(1)
  expect(all.filter(({ created }) => created)).toHaveLength(1)
  expect(readdirSync(directory)).toEqual(['installation-keys'])
})

test('keys that others can read are refused', async () => {
  await open()
  chmodSync(join(set(), 'authority-key.pem'), 0o640)
  await expect(open()).rejects.toMatchObject({ code: 'NO_PERMISSION' })
})

test('keys of another installation are refused', async () => {
  await open()
  await expect(open('other')).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test.each(['authority-key.pem', 'authority.pem', 'snapshot-key.pem', 'mask-key'])(
  'a damaged %s is refused, and stays as it is',
  async (name) => {
    await open()
    const path = join(set(), name)
    writeFileSync(path, 'damaged')
    await expect(open()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(readFileSync(path, 'utf8')).toBe('damaged')
  },
)
