// What a client is told once it is let in, and what the target said of itself.
import { ByteWriter } from '@sallyport/wire/bytes/writer'
import { writeBackend } from '@sallyport/wire/postgres/encode'
import { visibleParameters } from './parameters.ts'
import type { Upstream } from './upstream.ts'

/** AuthenticationOk, what the client may know of the target's settings, our own cancel key, ReadyForQuery. */
export function welcome(upstream: Upstream, key: { readonly processId: number; readonly key: Uint8Array }): Buffer {
  const writer = new ByteWriter(1_024)
  writeBackend(writer, { type: 'authentication', authentication: { kind: 'ok' } })
  for (const [name, value] of upstream.parameters)
    if (visibleParameters.has(name)) writeBackend(writer, { type: 'parameterStatus', name, value })
  writeBackend(writer, { type: 'backendKeyData', processId: key.processId, key: key.key })
  writeBackend(writer, { type: 'readyForQuery', status: 'I' })
  return writer.take()
}

/** `server_version` as `server_version_num`: 18.4 is 180004. Unreadable counts as old, which asks more often. */
export function serverVersionOf(upstream: Pick<Upstream, 'parameters'>): number {
  const [, major = '0', minor = '0'] =
    /^([0-9]+)\.?([0-9]*)/.exec(upstream.parameters.get('server_version') ?? '') ?? []
  return Number(major) * 10_000 + Number(minor)
}
