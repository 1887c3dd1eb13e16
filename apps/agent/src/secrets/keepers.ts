// Who keeps credentials for this agent elsewhere, with logins of its own there.
import type { Clock } from '@sallyport/base/clock'
import type { Config } from '../config.ts'
import { awsReader } from './aws.ts'
import type { Environment } from './broker.ts'
import type { Keepers } from './sealed.ts'
import { vaultReader } from './vault.ts'

export interface KeepersDeps {
  readonly config: Pick<Config, 'vault' | 'aws'>
  readonly clock: Clock
  readonly environment: Environment
}

/** Null where none is configured. */
export function openKeepers({ config, clock, environment }: KeepersDeps): Keepers {
  const { vault, aws } = config
  return {
    vault: vault === undefined ? null : vaultReader({ settings: vault, clock, environment }),
    aws: aws === undefined ? null : awsReader({ settings: aws, clock, environment }),
  }
}
