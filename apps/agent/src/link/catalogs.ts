// The newest catalog of each target and role, packed, so that the control plane can be given them whenever it is there.
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { create } from '@bufbuild/protobuf'
import { limits } from '@sallyport/base/limits'
import { type CatalogUpload, CatalogUploadSchema } from '@sallyport/proto/gen/sallyport/v1/catalog_pb'
import type { Catalog } from '@sallyport/sql/catalog'
import type { Log } from '../session/log.ts'

const pack = promisify(gzip)
/** What the rest of the message may take, in bytes. */
const envelopeBytes = 4_096

export class Catalogs {
  readonly #newest = new Map<string, CatalogUpload>()
  readonly #log: Log
  constructor(log: Log) {
    this.#log = log
  }

  /** Packs and keeps it; undefined when it is no news, was overtaken, or is too large for a message. */
  async put(target: string, upstreamRole: string, catalog: Catalog): Promise<CatalogUpload | undefined> {
    const key = JSON.stringify([target, upstreamRole])
    const { version } = catalog
    if (this.#newest.get(key)?.version === version) return undefined
    const upload = create(CatalogUploadSchema, { target, upstreamRole, version })
    this.#newest.set(key, upload)
    const packed = await pack(JSON.stringify(catalog))
    if (this.#newest.get(key) !== upload) return undefined
    if (packed.length + envelopeBytes > limits.grpcMessageBytesMax) {
      this.#newest.delete(key)
      this.#log.warn({ target, bytes: packed.length }, 'catalog-too-large')
      return undefined
    }
    upload.catalog = packed
    return upload
  }

  /** Everything that is packed, for a control plane that may have missed some. */
  all(): CatalogUpload[] {
    return [...this.#newest.values()].filter((upload) => upload.catalog.length > 0)
  }
}
