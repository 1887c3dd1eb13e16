// The gRPC channel to the control plane: TLS 1.3, the installation's authority alone, and the name that only the control
// plane's certificate carries. An agent's certificate, though of the same authority, does not pass for it.
import { isIP } from 'node:net'
import { checkServerIdentity, createSecureContext, type PeerCertificate } from 'node:tls'
import { Client, credentials, type Metadata } from '@grpc/grpc-js'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { Secret } from '@sallyport/base/secret'
import type { Method } from '@sallyport/proto/method'
import { errorOfStatus } from '@sallyport/proto/status'

export interface ChannelOptions {
  /** `host:port`. */
  readonly address: string
  readonly caCertificate: string
  /** Known after enrolment. */
  readonly installation?: string
  readonly client?: { readonly certificate: string; readonly key: Secret }
}

const options = {
  'grpc.max_receive_message_length': limits.grpcMessageBytesMax,
  'grpc.max_send_message_length': limits.grpcMessageBytesMax,
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.initial_reconnect_backoff_ms': 250,
  'grpc.max_reconnect_backoff_ms': 5_000,
  // A new certificate needs a new connection.
  'grpc.use_local_subchannel_pool': 1,
  // No settings from DNS, no detour by an environment variable: the join token says where to go.
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
}

/** Throws CONFIG_INVALID when the address is none. */
export function splitAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(address)
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) throw new SallyportError('CONFIG_INVALID', `"${address}" is no "host:port"`)
  return { host, port: Number(match?.[3]) }
}

const anyControlPlane = /^URI:spiffe:\/\/sallyport\/[a-z0-9][a-z0-9-]{0,62}\/control-plane$/

function checkControlPlane(host: string, installation: string | undefined, certificate: PeerCertificate) {
  const wrongHost = checkServerIdentity(host, certificate)
  if (wrongHost !== undefined) return wrongHost
  const names = (certificate.subjectaltname ?? '').split(', ')
  const isControlPlane = names.some((name) =>
    installation === undefined
      ? anyControlPlane.test(name)
      : name === `URI:spiffe://sallyport/${installation}/control-plane`,
  )
  return isControlPlane ? undefined : new Error('the certificate is not that of the control plane')
}

export function openChannel(channel: ChannelOptions): Client {
  const { host } = splitAddress(channel.address)
  const context = createSecureContext({
    ca: channel.caCertificate,
    minVersion: 'TLSv1.3',
    ...(channel.client === undefined ? {} : { cert: channel.client.certificate, key: channel.client.key.reveal() }),
  })
  const verified = credentials.createFromSecureContext(context, {
    checkServerIdentity: (_, certificate) => checkControlPlane(host, channel.installation, certificate),
  })
  // RFC 6066, section 3: no IP address in server_name. The certificate is checked against the real host above.
  const named = isIP(host) === 0 ? {} : { 'grpc.ssl_target_name_override': 'control-plane.sallyport.internal' }
  return new Client(channel.address, verified, { ...options, ...named })
}

/** One request, one answer, with a deadline. Throws what the control plane said, or CONTROL_PLANE_UNREACHABLE. */
export async function callOnce<Request, Response>(
  client: Client,
  method: Method<Request, Response>,
  request: Request,
  metadata: Metadata,
  deadlineMs: number,
): Promise<Response> {
  return await new Promise<Response>((resolve, reject) => {
    client.makeUnaryRequest<Request, Response>(
      method.path,
      method.serialize,
      method.deserialize,
      request,
      metadata,
      { deadline: deadlineMs },
      (error, response) => {
        if (error !== null) reject(errorOfStatus(error))
        else if (response === undefined) reject(new SallyportError('CONTROL_PLANE_UNREACHABLE', 'an empty answer'))
        else resolve(response)
      },
    )
  })
}
