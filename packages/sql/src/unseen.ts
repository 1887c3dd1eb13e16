// Code of the target that runs with a statement and is written nowhere in it. Masks stop at all of it; rules on objects at what
// cannot be followed, because it may change something that they are about.

/** Ends what is said of such code where nobody knows what it changes. */
export const unfollowed = ', which cannot be followed'

/** Of `StatementFacts.opaque`: may this change something, for all that is known? Triggers that are followed are not listed. */
export const mayChange = (code: string): boolean => code.startsWith('the trigger ') || code.endsWith(unfollowed)
