// Looks for a secret in bytes in every form that it could have taken on its way: plain, base64 at each alignment, hex,
// URL-encoded, JSON-escaped, UTF-16, and each of them inside of gzip. A search that finds nothing proves nothing until it has found what was planted.
import assert from 'node:assert'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { constants, gzipSync, inflateRawSync } from 'node:zlib'
import pg from 'pg'

export interface Haystack {
  readonly name: string
  readonly bytes: Buffer
}

export interface Found {
  readonly where: string
  readonly form: string
}

/** The part of a base64 text that does not depend on what stands before and after. */
function base64At(secret: Buffer, offset: number): string {
  const padded = Buffer.concat([Buffer.alloc(offset), secret])
  const text = padded.toString('base64').replace(/=+$/, '')
  // A character holds six bits: those of the padding in front, and those that mix with what follows, are cut off.
  const first = Math.ceil((offset * 8) / 6)
  const last = Math.floor((padded.length * 8) / 6)
  return text.slice(first, last)
}

/** Every form, by name. Forms are compared as bytes. */
export function formsOf(secret: string): ReadonlyMap<string, Buffer> {
  const bytes = Buffer.from(secret)
  const forms = new Map<string, Buffer>()
  const add = (name: string, text: string | Buffer) => forms.set(name, Buffer.from(text as string))
  add('plain', secret)
  for (const offset of [0, 1, 2]) {
    const text = base64At(bytes, offset)
    add(`base64 at ${offset}`, text)
    add(`base64url at ${offset}`, text.replaceAll('+', '-').replaceAll('/', '_'))
  }
  add('hex', bytes.toString('hex'))
  add('HEX', bytes.toString('hex').toUpperCase())
  add('URL-encoded', encodeURIComponent(secret))
  add('form-encoded', new URLSearchParams({ a: secret }).toString().slice(2))
  add('JSON', JSON.stringify(secret).slice(1, -1))
  add('UTF-16LE', Buffer.from(secret, 'utf16le'))
  return forms
}

export function search(haystacks: readonly Haystack[], secret: string): Found[] {
  const found: Found[] = []
  for (const { name, bytes } of haystacks.flatMap((haystack) => [haystack, ...unpacked(haystack)]))
    for (const [form, needle] of formsOf(secret)) if (bytes.includes(needle)) found.push({ where: name, form })
  return found
}

/** ID1, ID2, the one method of compression and no flags, as zlib writes it; time, level and system follow (RFC 1952, 2.3.1). */
const gzipMagic = Buffer.from([0x1f, 0x8b, 0x08, 0x00])
const gzipHeaderBytes = 10

/** What is packed somewhere in it: catalogs go up so, and are stored so. What only looks like gzip gives nothing. */
export function unpacked({ name, bytes }: Haystack): Haystack[] {
  const found: Haystack[] = []
  for (let at = bytes.indexOf(gzipMagic); at !== -1; at = bytes.indexOf(gzipMagic, at + 1))
    try {
      // Without what frames it: nothing after its end is looked at, and of one that is cut off there is what there is.
      const inner = inflateRawSync(bytes.subarray(at + gzipHeaderBytes), { finishFlush: constants.Z_SYNC_FLUSH })
      found.push({ name: `${name}, unpacked at ${at}`, bytes: inner })
    } catch {
      // These bytes by chance.
    }
  return found
}

/** The positive control: each form, planted in the middle of a real haystack, is found there; and only there. */
export function proveSearch(haystack: Haystack, secret: string): void {
  const middle = haystack.bytes.length >> 1
  for (const [form, needle] of formsOf(secret)) {
    const bytes = Buffer.concat([haystack.bytes.subarray(0, middle), needle, haystack.bytes.subarray(middle)])
    const found = search([{ name: 'planted', bytes }], secret)
    assert(
      found.some((hit) => hit.form === form),
      `the search does not find a planted secret (${form})`,
    )
  }
  const packed = gzipSync(Buffer.concat([Buffer.from('{"a":"'), Buffer.from(secret), Buffer.from('"}')]))
  const bytes = Buffer.concat([haystack.bytes.subarray(0, middle), packed, haystack.bytes.subarray(middle)])
  assert(search([{ name: 'planted', bytes }], secret).length > 0, 'the search does not find what is packed')
  // In the middle of something longer, as base64 of a whole message would hold it.
  for (const before of ['', 'x', 'xy']) {
    const bytes = Buffer.from(Buffer.from(`${before}${secret}tail`).toString('base64'))
    assert(
      search([{ name: 'planted', bytes }], secret).length > 0,
      'the search does not find base64 at every alignment',
    )
  }
}

/** Every file of a folder, one haystack each. Files that vanish meanwhile are left out. */
export function filesOf(name: string, folder: string): Haystack[] {
  const haystacks: Haystack[] = []
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, entry)
    try {
      if (statSync(path).isFile()) haystacks.push({ name: `${name}/${entry}`, bytes: readFileSync(path) })
    } catch {
      // A file of the running server that was just replaced.
    }
  }
  return haystacks
}

/** Every row of every table, as text: what a dump would hold, and each value of bytea (there in hex) as its bytes. */
export async function dumpOf(name: string, url: string): Promise<Haystack[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const tables = await client.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
       WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    )
    const haystacks: Haystack[] = []
    for (const table of tables.rows) {
      const rows = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${table.name} AS t`)
      const text = rows.rows.map(({ row }) => row).join('\n')
      haystacks.push({ name: `${name} ${table.name}`, bytes: Buffer.from(text) })
      for (const [, hex = ''] of text.matchAll(/\\x((?:[0-9a-f]{2}){8,})/g))
        haystacks.push({ name: `${name} ${table.name}, a value`, bytes: Buffer.from(hex, 'hex') })
    }
    return haystacks
  } finally {
    await client.end()
  }
}

/** Keeps every byte that a node-postgres client receives, after TLS. Call it before connect(). */
export function recordBytes(client: pg.Client): () => Buffer {
  const chunks: Buffer[] = []
  const connection = (client as any).connection
  connection.once('sslconnect', () => connection.stream.on('data', (chunk: Buffer) => chunks.push(Buffer.from(chunk))))
  return () => Buffer.concat(chunks)
}
