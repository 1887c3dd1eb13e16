#!/usr/bin/env node
// Stands in for Prisma's native schema engine, whose download many networks refuse: speaks the same JSON-RPC on stdio
// and runs Prisma's own WebAssembly build over @prisma/adapter-pg. Never used at run time, only by prisma's commands.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils'
import pg from 'pg'

const charTypeOid = 18
const textTypeOid = 25

// adapter-pg does not map the catalog type "char" (OID 18), which the engine reads as a character: pg is told that it is
// text, the column is remembered, and the engine is handed the character type. One query runs at a time.
let characterColumns = new Set()
const addFields = pg.Result.prototype.addFields
pg.Result.prototype.addFields = function (fields) {
  characterColumns = new Set()
  for (const [index, field] of fields.entries()) {
    if (field.dataTypeID !== charTypeOid) continue
    field.dataTypeID = textTypeOid
    characterColumns.add(index)
  }
  return addFields.call(this, fields)
}

function withCharacters(queryable) {
  const queryRaw = queryable.queryRaw.bind(queryable)
  queryable.queryRaw = async (statement) => {
    const result = await queryRaw(statement)
    const marked = characterColumns
    if (marked.size === 0) return result
    const columnTypes = result.columnTypes.map((type, index) => (marked.has(index) ? ColumnTypeEnum.Character : type))
    return { ...result, columnTypes }
  }
  if (queryable.startTransaction) {
    const start = queryable.startTransaction.bind(queryable)
    queryable.startTransaction = async (...options) => withCharacters(await start(...options))
  }
  return queryable
}

function readArguments(argv) {
  const files = []
  let url = process.env.DATABASE_URL
  let command = null
  for (let i = 0; i < argv.length; i++) {
    if (argv[i] === '--datamodels') {
      while (argv[i + 1] && !argv[i + 1].startsWith('--') && argv[i + 1] !== 'cli') files.push(argv[++i])
    } else if (argv[i] === '--datasource') url = JSON.parse(argv[++i]).url ?? url
    else if (argv[i] === 'cli') command = argv[++i]
  }
  return { files, url, command }
}

/** Discrete fields: connectToShadowDb overrides `database`, and pg lets a connectionString win over it. */
function connectionOf(url) {
  const parsed = new URL(url ?? 'postgresql://localhost/none')
  const sslmode = parsed.searchParams.get('sslmode') ?? ''
  return {
    host: parsed.searchParams.get('host') ?? parsed.hostname,
    port: Number(parsed.port || 5432),
    user: decodeURIComponent(parsed.username),
    password: decodeURIComponent(parsed.password),
    database: decodeURIComponent(parsed.pathname.slice(1)),
    ssl: ['require', 'verify-ca', 'verify-full'].includes(sslmode)
      ? { rejectUnauthorized: sslmode !== 'require' }
      : undefined,
  }
}

function adapterFactory(url) {
  const config = connectionOf(url)
  const schema = new URL(url ?? 'postgresql://localhost/none').searchParams.get('schema') ?? undefined
  const base = new PrismaPg(config, { schema })
  return bindMigrationAwareSqlAdapterFactory({
    provider: base.provider,
    adapterName: base.adapterName,
    connect: async () => withCharacters(await base.connect()),
    // The adapter's own version drops the shadow database before its pool has ended.
    connectToShadowDb: async () => {
      const main = await base.connect()
      const database = `prisma_shadow_${globalThis.crypto.randomUUID()}`
      await main.executeScript(`CREATE DATABASE "${database}"`)
      const shadow = await new PrismaPg({ ...config, database }, { schema }).connect()
      const end = shadow.dispose.bind(shadow)
      shadow.dispose = async () => {
        await end()
        await main.executeScript(`DROP DATABASE "${database}" WITH (FORCE)`)
        await main.dispose()
      }
      return withCharacters(shadow)
    },
  })
}

async function loadEngine() {
  globalThis.PRISMA_WASM_PANIC_REGISTRY = {
    set_message(message) {
      process.stderr.write(`schema engine: ${message}\n`)
    },
  }
  const bindings = await import('@prisma/schema-engine-wasm/schema_engine_bg')
  const script = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg')
  const wasm = readFileSync(script.replace(/\.js$/, '.wasm'))
  const { instance } = await WebAssembly.instantiate(wasm, { './schema_engine_bg.js': bindings })
  bindings.__wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start()
  return bindings
}

async function createDatabase(url) {
  const { database, ...rest } = connectionOf(url)
  const client = new pg.Client({ ...rest, database: 'postgres' })
  await client.connect()
  try {
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`)
  } catch (error) {
    if (error.code !== '42P04') throw error
  } finally {
    await client.end()
  }
  return { databaseName: database }
}

/** `schema-engine cli create-database` and `cli can-connect-to-database`. */
async function runCommand(command, url) {
  const codes = { '3D000': 'P1003', '28P01': 'P1000', ECONNREFUSED: 'P1001' }
  try {
    if (command === 'create-database') await createDatabase(url)
    else {
      const client = new pg.Client(connectionOf(url))
      await client.connect()
      await client.end()
    }
    process.exit(0)
  } catch (error) {
    const fields = { error_code: codes[error.code] ?? 'P1001', message: error.message }
    process.stderr.write(`\n${JSON.stringify({ level: 'ERROR', target: 'schema_engine::logger', fields })}\n`)
    process.exit(1)
  }
}

const rpcError = (error) => ({
  code: 4466,
  message: 'An error happened. Check the data field for details.',
  data: {
    is_panic: false,
    message: String(error?.message ?? error),
    meta: {},
    error_code: error?.cause?.kind ?? error?.code ?? error?.name,
  },
})

async function serve(bindings, files, url) {
  let engine
  const open = async () => {
    const models = files.length > 0 ? files.map((file) => [file, readFileSync(file, 'utf8')]) : undefined
    engine ??= await bindings.SchemaEngine.new({ datamodels: models }, () => {}, adapterFactory(url))
    return engine
  }
  const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const answer = async (line) => {
    const { id, method, params } = JSON.parse(line)
    if (!method) return
    try {
      if (method === 'createDatabase') return send({ id, result: await createDatabase(url) })
      const opened = await open()
      const result = method === 'getDatabaseVersion' ? await opened.version(params) : await opened[method](params)
      if (method === 'diff' && result?.stdout)
        send({ id: `p${id}`, method: 'print', params: { content: result.stdout } })
      send({ id, result: result ?? null })
    } catch (error) {
      send({ id, error: rpcError(error) })
    }
  }
  let chain = Promise.resolve()
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      chain = chain.then(() => answer(line))
    })
    .on('close', () => chain.then(() => process.exit(0)))
}

const argv = process.argv.slice(2)
const { files, url, command } = readArguments(argv)
const bindings = await loadEngine()
if (argv.includes('--version')) {
  process.stdout.write(`schema-engine-cli ${bindings.version()}\n`)
  process.exit(0)
}
if (command) await runCommand(command, url)
await serve(bindings, files, url)
