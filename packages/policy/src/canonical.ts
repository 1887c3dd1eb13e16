// JSON with sorted keys and nothing optional in it: equal rules give equal text, whatever order they were written in.

/** Canonical JSON of plain values; undefined members are left out, as JSON.stringify does. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((entry) => canonicalJson(entry ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([left], [right]) => compareText(left, right))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`)
  return `{${members.join(',')}}`
}

/** Order by UTF-16 units: the same on every machine, unlike localeCompare. */
export const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)
