// What all that serve HTTP for one agent share, as one process has it by itself. Where workers serve, their primary has it, and each
// of them asks (workers/http-ports.ts).
import { join } from 'node:path'
import type { Clock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import { type OauthSource, oauthEndpoints } from '../http/oauth.ts'
import { type Room, roomOf } from '../http/room.ts'
import type { Upstreams } from '../http/upstream.ts'
import { openPinBook, type PinBook } from '../mcp/pins.ts'
import type { QuarantineNews } from '../mcp/quarantine.ts'
import { type EnterMcp, openMcpRegistry } from '../mcp/registry.ts'
import type { CredentialSources } from '../secrets/broker.ts'
import { type Callers, createCallers } from '../session/callers.ts'
import type { Log } from '../session/log.ts'
import { type Admission, type AdmissionCaps, createAdmission } from './admission.ts'
import { listenerBounds } from './deps.ts'
import type { MemoryGuard } from './memory.ts'

export interface HttpShares {
  /** Of connections. */
  readonly admission: Admission
  readonly callers: HttpCallers
  /** For bodies that are kept whole. */
  readonly room: Room
  readonly enterMcp: EnterMcp
  readonly pins: PinBook
  readonly oauth: OauthSource
}

/** What each caller may have at once. */
export interface HttpCallers {
  readonly connections: Callers
  readonly requests: Callers
  readonly webSockets: Callers
}

export interface HttpSharesDeps {
  readonly clock: Clock
  readonly random: (bytes: number) => Uint8Array
  readonly log: Log
  readonly environment: CredentialSources
  readonly memory: MemoryGuard
  /** Default: limits.httpConnectionsPerCallerMax. */
  readonly connectionsPerCallerMax?: number
  /** Tests set them lower. */
  readonly doorCaps?: Partial<AdmissionCaps>
  /** Where the digests of tools that were seen first, and definitions that were approved, are kept; absent: in memory. */
  readonly mcpDirectory?: string
  /** Hears which tools are kept from callers. */
  readonly onQuarantine?: (news: QuarantineNews) => void
}

/** A caller shows who it is with its requests, and may have opened the connection long before. */
const httpDoorCaps: AdmissionCaps = {
  ...listenerBounds,
  preAuthConnectionsMax: limits.httpUnknownConnectionsMax,
  preAuthPerAddressMax: limits.httpUnknownConnectionsPerAddressMax,
}

/** `upstreams`: by which token endpoints are reached. Throws CONFIG_INVALID for what is kept in the directory and is none of ours. */
export function openHttpShares(deps: HttpSharesDeps, upstreams: Upstreams): HttpShares {
  const { clock, random, log, environment, memory, mcpDirectory } = deps
  const kept = (name: string): string | null => (mcpDirectory === undefined ? null : join(mcpDirectory, name))
  return {
    admission: createAdmission({ ...httpDoorCaps, ...deps.doorCaps }, memory, () => clock.nowMs()),
    callers: {
      connections: createCallers(deps.connectionsPerCallerMax ?? limits.httpConnectionsPerCallerMax),
      requests: createCallers(limits.httpRequestsPerCallerMax, 'requests'),
      webSockets: createCallers(limits.webSocketsPerCallerMax, 'WebSockets'),
    },
    room: roomOf(limits.httpKeptBodiesBytesMax),
    enterMcp: openMcpRegistry(clock, random),
    pins: openPinBook({
      path: kept('mcp-pins.json'),
      approvedDirectory: kept('mcp-definitions'),
      clock,
      onQuarantine: (target, tool, digest) => log.warn({ target, tool, digest }, 'mcp-tool-quarantined'),
      onChange: deps.onQuarantine ?? (() => {}),
    }),
    oauth: oauthEndpoints({ upstreams, environment, clock }),
  }
}
