// How far the heap may grow past what is in use before it is collected. V8 lets it double: what logins and first statements leave
// behind then stays for hours in a process that does little afterwards (docs/performance.md, "Memory").
import { setFlagsFromString } from 'node:v8'

const growingPercent = 20

/** Before the first session. The flag is the whole process's. */
export const keepHeapSmall = (): void => setFlagsFromString(`--heap-growing-percent=${growingPercent}`)
