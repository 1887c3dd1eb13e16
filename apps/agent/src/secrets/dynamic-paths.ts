// Which dynamic roles of Vault the targets of a snapshot log in with: leases at other paths are given back.
import type { CurrentSnapshot } from '../link/current.ts'

export const dynamicPathsOf = ({ targets }: Pick<CurrentSnapshot, 'targets'>): ReadonlySet<string> =>
  new Set(
    [...targets.values()].flatMap(({ document: { spec } }) =>
      spec.protocol === 'postgres'
        ? spec.roles.flatMap(({ password }) =>
            password !== undefined && 'vault' in password && password.vault.dynamic === true
              ? [password.vault.path]
              : [],
          )
        : [],
    ),
  )
