// How an agent reaches HashiCorp Vault and who it is there. What proves it lies in files, which are read anew for each login, so
// that whatever renews them needs no restart.
import { z } from 'zod'

const mount = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*(\/[A-Za-z0-9][A-Za-z0-9_.-]*)*$/, 'a mount without slashes around it')
const file = z.string().min(1)

export const VaultSettings = z.strictObject({
  address: z
    .url({ protocol: /^https?$/ })
    .refine((text) => new URL(text).pathname === '/' && new URL(text).search === '', 'an origin')
    .refine(
      (text) => text.startsWith('https:') || ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(text).hostname),
      'https, or http on this machine',
    ),
  /** PEM of the authority to trust; the system's when absent. */
  caFile: file.optional(),
  namespace: z
    .string()
    .regex(/^[A-Za-z0-9_./-]{1,200}$/)
    .optional(),
  auth: z.union([
    z.strictObject({ tokenFile: file }),
    z.strictObject({
      appRole: z.strictObject({ roleIdFile: file, secretIdFile: file, mount: mount.default('approle') }),
    }),
    z.strictObject({
      kubernetes: z.strictObject({
        role: z.string().min(1).max(200),
        tokenFile: file.default('/var/run/secrets/kubernetes.io/serviceaccount/token'),
        mount: mount.default('kubernetes'),
      }),
    }),
  ]),
})
export type VaultSettings = z.infer<typeof VaultSettings>
