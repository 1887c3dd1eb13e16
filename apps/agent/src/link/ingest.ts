// The stream Ingest as record/upload.ts uses it, over a grpc-js call.
import { type Client, Metadata } from '@grpc/grpc-js'
import { ingestMethod } from '@sallyport/proto/method'
import { errorOfStatus } from '@sallyport/proto/status'
import type { IngestStream } from '../record/upload.ts'

export function openIngestStream(client: Client): IngestStream {
  const { path, serialize, deserialize } = ingestMethod
  const call = client.makeBidiStreamRequest(path, serialize, deserialize, new Metadata())
  let ended: { readonly error: Error | undefined } | undefined
  let isClosed = false
  const listeners: ((error: Error | undefined) => void)[] = []
  const end = (error: Error | undefined): void => {
    if (ended !== undefined) return
    ended = { error }
    for (const listener of listeners) listener(error)
  }
  call.on('error', (thrown) => end(isClosed ? undefined : errorOfStatus(thrown)))
  call.on('end', () => end(undefined))
  return {
    send: (request) => ended === undefined && call.write(request),
    onResponse: (listener) => {
      call.on('data', listener)
    },
    onDrain: (listener) => {
      call.on('drain', listener)
    },
    onEnd: (listener) => {
      if (ended === undefined) listeners.push(listener)
      else listener(ended.error)
    },
    close() {
      isClosed = true
      call.cancel()
      end(undefined)
    },
  }
}
