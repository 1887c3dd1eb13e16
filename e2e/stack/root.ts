// Where the checkout is: two folders above this one, and above e2e/dist, where the bundle of the demo lies.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
