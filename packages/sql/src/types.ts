// Names of types as the catalog writes them, and operators and casts that need them. A type that neither PostgreSQL nor the
// catalog has is an unknown.
import type { TypeName } from '@pgsql/types'
import { isSystemType } from './builtins.ts'
import { elementType, functionName } from './catalog-index.ts'
import { addDirect } from './draft.ts'
import { type Environment, unknownName } from './scope.ts'
import { texts } from './tree.ts'
import { unfollowed } from './unseen.ts'

/** `pg_catalog.text`, `public.mood`; arrays as `schema._name`. Null, and an unknown, for a type that is not known. */
export function typeNameOf(type: TypeName | undefined, env: Environment): string | null {
  const names = texts(type?.names)
  const array = (type?.arrayBounds ?? []).length > 0 ? '_' : ''
  const found = resolveType(names, env)
  if (found === null) {
    unknownName(env, 'type', `the type "${names.join('.')}", which the catalog does not have`)
    return null
  }
  const at = found.lastIndexOf('.')
  const full = `${found.slice(0, at)}.${array}${found.slice(at + 1)}`
  mention(full, env)
  return full
}

/**
 * Wherever a type is named, a value of it may be made: checks of a domain and functions of CREATE CAST run then, unseen
 * . A cast by a function is a call of it.
 */
export function mention(type: string, env: Environment): void {
  if (env.index.codeTypes.has(elementType(type)))
    env.draft.opaque.add(`the type "${type}", which runs code of the target${mayWrite(type, env) ? unfollowed : ''}`)
  for (const cast of env.index.catalog.casts ?? []) {
    if (cast.target !== type && cast.source !== type) continue
    const what = `the cast of "${cast.source}" to "${cast.target}", which runs "${cast.function}"`
    // Nobody makes an explicit cast without naming what it makes.
    const mayRun = cast.target === type || cast.context !== 'explicit'
    env.draft.opaque.add(`${what}${mayRun && isVolatile(cast.function, env) ? unfollowed : ''}`)
    if (cast.target === type) addDirect(env.draft, 'call', cast.function)
  }
}

/** PostgreSQL lets no function change anything that is not volatile. */
export const mayWrite = (type: string, env: Environment): boolean => env.index.volatileTypes.has(elementType(type))

function isVolatile(name: string, env: Environment): boolean {
  const bare = name.slice(name.lastIndexOf('.') + 1, -2)
  const found = (env.index.functions.get(bare) ?? []).filter((one) => functionName(one) === name)
  return found.length === 0 || found.some(({ volatility }) => volatility === 'volatile')
}

/** Casts that nobody has to write: they may apply anywhere. */
export function mentionImplicitCasts(env: Environment): void {
  for (const cast of env.index.catalog.casts ?? [])
    if (cast.context !== 'explicit')
      env.draft.opaque.add(
        `the ${cast.context} cast of "${cast.source}" to "${cast.target}", which runs "${cast.function}"`,
      )
}

/** The word JSON was a name like any other before PostgreSQL 17: our grammar makes it `pg_catalog.json`. */
const isPlainWord = (names: readonly string[], env: Environment): boolean =>
  env.index.catalog.serverVersion < 170_000 && names.join('.') === 'pg_catalog.json'

function resolveType(written: readonly string[], env: Environment): string | null {
  const names = isPlainWord(written, env) ? ['json'] : written
  const [name = '', schema, database] = [...names].reverse()
  if (database !== undefined && database !== env.index.catalog.database) return null
  const schemas =
    schema !== undefined
      ? [schema]
      : env.naming === 'definition'
        ? ['pg_catalog', ...env.index.schemas.keys()]
        : env.searchPath === null
          ? null
          : ['pg_temp', 'pg_catalog', ...env.searchPath]
  if (schemas === null) return isSystemType(`pg_catalog.${name}`) ? `pg_catalog.${name}` : null
  for (const one of schemas) {
    const full = `${one}.${name}`
    if (isSystemType(full) || env.index.types.has(full)) return full
    // An array type by its own name, `_mood`.
    if (env.index.types.has(`${one}.${name.replace(/^_/, '')}`)) return full
  }
  return null
}

export const isPolymorphic = (type: string): boolean => /^pg_catalog\.(any|record$|internal$)/.test(type)
