// Names of types as the catalog writes them, and operators and casts that need them. A type that neither PostgreSQL nor the
// catalog has is an unknown.
import type { TypeName } from '@pgsql/types'
import { isSystemType } from './builtins.ts'
import { elementType } from './catalog-index.ts'
import { addDirect } from './draft.ts'
import { type Environment, unknownName } from './scope.ts'
import { texts } from './tree.ts'

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
    env.draft.opaque.add(`the type "${type}", which runs code of the target`)
  for (const cast of env.index.catalog.casts ?? []) {
    if (cast.target !== type && cast.source !== type) continue
    env.draft.opaque.add(`the cast of "${cast.source}" to "${cast.target}", which runs "${cast.function}"`)
    if (cast.target === type) addDirect(env.draft, 'call', cast.function)
  }
}

/** Casts that nobody has to write: they may apply anywhere. */
export function mentionImplicitCasts(env: Environment): void {
  for (const cast of env.index.catalog.casts ?? [])
    if (cast.context !== 'explicit')
      env.draft.opaque.add(
        `the ${cast.context} cast of "${cast.source}" to "${cast.target}", which runs "${cast.function}"`,
      )
}

function resolveType(names: readonly string[], env: Environment): string | null {
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
