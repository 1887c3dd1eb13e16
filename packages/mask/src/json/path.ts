// Paths into JSON documents: how policies write them, and how the part that a statement reads stands to the part that is
// protected. Arrays are looked through: `$.contacts.email` is also that of each element of `contacts`, and of each element
// where the document itself is an array. Pure.

/** Names of members from the root on. */
export type JsonPath = readonly string[]

/**
 * The path of a part that a statement reads. Null: a step that is not known. A step that looks like a number may be a
 * member's name or the place in an array: only the document decides (PostgreSQL manual, "JSON Functions and Operators", #>).
 */
export type ReadPath = readonly (string | null)[]

/** Members on the way to a protected part. */
export const jsonPathStepsMax = 16

const member =
  /^(?:\.([A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff-]*)|\.?"((?:[^"\\])+)"|\[\s*(?:"((?:[^"\\])+)"|'((?:[^'\\])+)')\s*\]|(\[\s*\*\s*\]))/

/** The path of a policy, or why it is none. `[*]` says what holds without it. */
export function parseJsonPath(text: string): { readonly path: JsonPath } | { readonly problem: string } {
  const bare = text.trim()
  if (!bare.startsWith('$')) return { problem: 'a path begins with "$", for example $.contact.email' }
  const path: string[] = []
  for (let rest = bare.slice(1); rest !== ''; ) {
    const found = member.exec(rest)
    if (found === null) return { problem: `"${rest}" is no step of a path; write .name, ["any name"] or [*]` }
    const [whole, plain, quoted, double, single] = found
    const name = plain ?? quoted ?? double ?? single
    if (name !== undefined) path.push(name)
    rest = rest.slice(whole.length)
  }
  if (path.length === 0) return { problem: 'the path names no member; without a path the whole column is masked' }
  if (path.length > jsonPathStepsMax) return { problem: `the path has more than ${jsonPathStepsMax} members` }
  return { path }
}

/** A path as policies write it. */
export const jsonPathText = (path: ReadPath): string =>
  `$${path.map((step) => (step === null ? '[?]' : /^[A-Za-z_]\w*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`)).join('')}`

/** What a part that is read has to do with a protected one. */
export type Meeting =
  | { readonly kind: 'apart' }
  /** The protected part is in it, at `rest`; itself where `rest` is empty. */
  | { readonly kind: 'holds'; readonly rest: JsonPath }
  /** It is a piece of the protected part, or may be, or may hold it. */
  | { readonly kind: 'meets' }

/** INVARIANT: `apart` only where no document has anything in common at the two paths. */
export function meet(read: ReadPath, guarded: JsonPath): Meeting {
  const [only, ...more] = meetings(read, guarded)
  if (only === undefined) return { kind: 'apart' }
  return more.length === 0 ? only : { kind: 'meets' }
}

function meetings(read: ReadPath, guarded: JsonPath): readonly Meeting[] {
  const [step, ...steps] = read
  if (step === undefined) return [{ kind: 'holds', rest: guarded }]
  const [name, ...rest] = guarded
  if (step === null || name === undefined) return [{ kind: 'meets' }]
  return [...(step === name ? meetings(steps, rest) : []), ...(mayBePlace(step) ? meetings(steps, guarded) : [])]
}

/** What strtoint of jsonfuncs.c reads as a number. */
const mayBePlace = (step: string): boolean => /^\s*[+-]?[0-9]+$/.test(step)
