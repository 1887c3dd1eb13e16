// Who is at it right now, under limits that bound how many may be at once. One process counts, in one turn, so that no limit
// is ever passed.

/** One of so many that may be in at the same time. */
export interface Place {
  readonly budget: string
  readonly max: number
}

export interface Places {
  /** Takes a place in all of these at once, or in none and says which is full. Whoever enters leaves, once. */
  enter(places: readonly Place[]): { readonly leave: () => void } | { readonly full: Place }
}

export function createPlaces(): Places {
  // As many as requests are under way: whoever leaves last takes the entry along.
  const inside = new Map<string, number>()
  return {
    enter(places) {
      const full = places.find(({ budget, max }) => (inside.get(budget) ?? 0) >= max)
      if (full !== undefined) return { full }
      for (const { budget } of places) inside.set(budget, (inside.get(budget) ?? 0) + 1)
      return {
        leave() {
          for (const { budget } of places) {
            const left = (inside.get(budget) ?? 0) - 1
            if (left > 0) inside.set(budget, left)
            else inside.delete(budget)
          }
        },
      }
    },
  }
}
