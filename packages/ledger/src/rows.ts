// How many rows a statement was about. An outcome counts the rows that came back; a DELETE without RETURNING gives none back
// and says in its tag how many it took. Nothing here is proof of anything: the tag is the target's word.

/** Command tags of PostgreSQL end with the number of rows ("CommandComplete" in the protocol's message formats). */
const counted = /^(?:INSERT \d+|UPDATE|DELETE|MERGE|COPY|SELECT|FETCH|MOVE) (\d{1,15})$/

export function rowsOf({ tag, rows }: { readonly tag: string; readonly rows: number }): number {
  const said = counted.exec(tag)?.[1]
  return said === undefined ? rows : Math.max(rows, Number(said))
}
