// Turns the answer to system.sql into src/gen/system.ts: what PostgreSQL 18 has in its system schemas, as compact lines.
// Run: psql -XAtq -f generate/system.sql > system.txt && node generate/system.mjs < system.txt > src/gen/system.ts
import { readFileSync } from 'node:fs'

const lines = readFileSync(0, 'utf8').split('\n').filter(Boolean)
const functions = []
const relations = []
const types = []
const operators = []
/** `pg_catalog.` is left out of type names. */
const short = (type) => type.replace(/pg_catalog\./g, '')

for (const line of lines) {
  if (line.startsWith('O|')) {
    operators.push(line.slice(2))
    continue
  }
  const [what, schema = '', name = '', ...rest] = line.split('|')
  const qualified = schema === 'pg_catalog' ? name : `${schema}.${name}`
  if (what === 'R') relations.push(`${qualified} ${short(rest[0] ?? '')}`)
  if (what === 'T') types.push(qualified)
  if (what !== 'F') continue
  const [volatility = 'v', set, kind = 'f', type = '', columns = '', anyVolatile, uncallable] = rest
  // A type of internal use among the arguments of every variant: no SQL text can call it.
  if (uncallable === 't') continue
  const flags = `${anyVolatile === 't' ? 'v' : volatility}${kind}${set === 't' ? 's' : '-'}`
  functions.push([qualified, flags, short(type) || '-', short(columns)].join(' ').trim())
}

const block = (name, why, entries) => `/** ${why} */\nexport const ${name} = String.raw\`\n${entries.join('\n')}\n\`\n`
process.stdout.write(
  [
    '// Made by generate/system.mjs from a plain PostgreSQL 18.4; do not edit. Names without a schema are of pg_catalog.\n',
    block(
      'systemFunctions',
      'name, then volatility (worst of its variants) i|s|v, kind f|a|w|p, set s|-, then result type or -, then OUT columns.',
      functions,
    ),
    block('systemRelations', 'name, then columns with types.', relations),
    block('systemTypes', 'Base, domain, range and pseudo types.', types),
    block('systemOperators', 'Name, left type, right type; none for a missing side.', operators),
  ].join('\n'),
)
