// The source of a PL/pgSQL function as the parser wants it, in a statement that makes the function, and what it reads there.
import type { CatalogFunction } from './catalog.ts'
import { type PlBody, PlRefusal, readPlpgsql } from './plpgsql-tree.ts'
import type { Environment } from './scope.ts'
import { isPolymorphic } from './types.ts'

const bodies = new WeakMap<CatalogFunction, PlBody | PlRefusal>()

/** The statements of a function; throws PlRefusal where there are none that can be followed. */
export function bodyOf(one: CatalogFunction, isTrigger: boolean, env: Environment): PlBody {
  const known = bodies.get(one)
  const found = known ?? readBody(one, isTrigger, env)
  bodies.set(one, found)
  if (found instanceof PlRefusal) throw found
  return found
}

function readBody(one: CatalogFunction, isTrigger: boolean, env: Environment): PlBody | PlRefusal {
  const { parsePlpgsql } = env.parser
  if (parsePlpgsql === undefined || one.body === null) return new PlRefusal('its language')
  try {
    return readPlpgsql(parsePlpgsql(definitionOf(one, one.body, isTrigger)), one.body)
  } catch (thrown) {
    return thrown instanceof PlRefusal ? thrown : new PlRefusal('its text')
  }
}

/** The function as a statement that makes it, for the parser. */
function definitionOf(one: CatalogFunction, body: string, isTrigger: boolean): string {
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`
  const names = one.argumentNames ?? []
  const results = one.results ?? []
  const ins = one.argumentTypes.map((type, at) => `${names[at] ? quote(names[at]) : ''} ${writtenType(type)}`)
  // An argument that goes both ways would be two variables here.
  if (results.some(({ name }) => names.includes(name))) throw new PlRefusal('an INOUT argument')
  const outs = results.map(({ name, type }) => `OUT ${quote(name)} ${writtenType(type)}`)
  const [only] = results
  const type =
    only === undefined ? writtenType(one.returnType) : results.length === 1 ? writtenType(only.type) : 'record'
  const returns = isTrigger ? 'trigger' : `${one.returnsSet ? 'SETOF ' : ''}${type}`
  let tag = '$body$'
  while (body.includes(tag)) tag = `$${tag.slice(1, -1)}_$`
  const what = one.kind === 'procedure' ? 'PROCEDURE' : 'FUNCTION'
  const suffix = one.kind === 'procedure' ? '' : ` RETURNS ${returns}`
  return `CREATE ${what} f(${[...ins, ...outs].join(', ')})${suffix} LANGUAGE plpgsql AS ${tag}${body}${tag}`
}

function writtenType(type: string): string {
  if (isPolymorphic(type) && type !== 'pg_catalog.record') throw new PlRefusal('a polymorphic argument')
  const at = type.indexOf('.')
  const name = type.slice(at + 1)
  const bare = name.replace(/^_/, '')
  const array = bare === name ? '' : '[]'
  return type.startsWith('pg_catalog.') ? `${bare}${array}` : `"${type.slice(0, at)}"."${bare}"${array}`
}
