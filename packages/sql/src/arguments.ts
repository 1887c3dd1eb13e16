// Which value an argument of a function gets: by position, by name, by its default, as the server arranges them
// (parse_func.c, MatchNamedCall; namespace.c, func_get_detail). What cannot be told is null, never a guess.
import type { CatalogFunction } from './catalog.ts'
import { merge, newDraft } from './draft.ts'
import { type Environment, emptyScope } from './scope.ts'
import { queryColumns } from './select.ts'
import type { Value } from './values.ts'
import { parseQuery } from './views.ts'

/** Where each value goes: the index of its argument. Null when the function has no such argument, or one of them twice. */
function places(one: CatalogFunction, values: readonly Value[]): readonly number[] | null {
  const found = values.map(({ named }, at) => (named === undefined ? at : (one.argumentNames ?? []).indexOf(named)))
  const isWithin = found.every((place) => place >= 0 && place < one.argumentTypes.length)
  return isWithin && new Set(found).size === found.length ? found : null
}

/** Positions of the values where the call names arguments; where it names none, as they are written. */
export function placed(one: CatalogFunction, values: readonly Value[]): readonly (Value | undefined)[] | null {
  if (!values.some(({ named }) => named !== undefined)) return values
  // Names that the catalog does not tell may be any.
  if (one.argumentNames === undefined) return values
  const at = places(one, values)
  if (at === null) return null
  const row: (Value | undefined)[] = []
  values.forEach((value, index) => {
    row[at[index] ?? index] = value
  })
  return row
}

/** Could so many values be all that this function needs? What is not known of defaults counts as given. */
export function areEnough(one: CatalogFunction, values: readonly Value[]): boolean {
  const needed = one.argumentTypes.length - (one.defaults?.length ?? one.argumentTypes.length)
  return one.variadic || values.length >= needed
}

/** One value for each argument, with defaults where the call gives none. Null when not all of them can be told. */
export function withDefaults(
  one: CatalogFunction,
  values: readonly Value[],
  env: Environment,
): readonly Value[] | null {
  const count = one.argumentTypes.length
  if (one.variadic || values.length > count) return null
  if (values.some(({ named }) => named !== undefined) && one.argumentNames?.length !== count) return null
  const row = placed(one, values)
  if (row === null) return null
  const defaults = one.defaults ?? []
  const all: Value[] = []
  for (let at = 0; at < count; at++) {
    const value = row[at] ?? defaultValue(defaults[at - (count - defaults.length)], env)
    if (value === null) return null
    all.push(value)
  }
  return all
}

/** What a default computes, it computes for the caller: everything that it does is added as derived. */
function defaultValue(text: string | undefined, env: Environment): Value | null {
  const parsed = text === undefined ? null : parseQuery(env, `SELECT ${text}`)
  if (parsed === null) return null
  const draft = newDraft()
  const inner: Environment = { ...env, draft, naming: 'definition', depth: env.depth + parsed.depth, body: null }
  const [column] = queryColumns(parsed.query, { ...emptyScope(inner), nested: true })
  if (column === undefined) return null
  merge(env.draft, draft, 'derived')
  return column.value
}
