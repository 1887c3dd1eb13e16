// Demo of deploy/compose.yaml: makes every secret of this installation once, each in the volume of those who need it, and
// nothing in an image. Runs before anything else; what is there already stays.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { makeServerCertificate } from '../stack/certs.ts'
import { readDocuments } from '../stack/documents.ts'
import { fail, keep, replaceFile, variable } from './place.ts'

/** For those who run as our own user. */
const own = 0o600
/** For PostgreSQL's image, which runs as another one; only its container has the volume. */
const shared = 0o644

const secret = (): string => randomBytes(24).toString('base64url')

/** The demo is not for long. */
const certificateDays = 365

async function main(): Promise<void> {
  const [store, shop, control, idp, agent, setup, reports] = [
    variable('STORE_DIR'),
    variable('SHOP_DIR'),
    variable('CONTROL_DIR'),
    variable('IDP_DIR'),
    variable('AGENT_DIR'),
    variable('SETUP_DIR'),
    variable('FUNCTION_DIR'),
  ]
  const storePassword = keep(join(store, 'password'), shared, secret)
  keep(join(shop, 'superuser-password'), shared, secret)
  const credential = keep(join(agent, 'shop-password'), own, secret)
  keep(join(shop, 'app-password'), shared, () => credential)
  const certificate = await makeServerCertificate('shop', {
    dnsNames: [variable('SHOP_HOST')],
    days: certificateDays,
  })
  const bundle = keep(join(shop, 'certificate.json'), shared, () => JSON.stringify(certificate))
  const { ca, cert, key }: typeof certificate = JSON.parse(bundle)
  keep(join(shop, 'server.crt'), shared, () => cert)
  keep(join(shop, 'server.key'), shared, () => key)
  keep(join(setup, 'shop-ca.pem'), own, () => ca)
  const consoleSecret = keep(join(idp, 'console-secret'), own, secret)
  const workloadSecret = keep(join(idp, 'workload-secret'), own, secret)
  keep(join(control, 'console-secret'), own, () => consoleSecret)
  keep(join(reports, 'workload-secret'), own, () => workloadSecret)
  const databaseUrl = `postgresql://postgres:${storePassword}@${variable('STORE_ADDRESS')}/sallyport`
  // JSON is YAML. The password is in a private file and not in the environment, which every tool prints.
  replaceFile(join(control, 'control-plane.yaml'), own, `${JSON.stringify({ databaseUrl })}\n`)
  const places = {
    IDP_ISSUER: variable('IDP_ISSUER'),
    AUDIENCE: variable('AUDIENCE'),
    TARGET_PORT: '',
    TARGET_CA: '',
    CREDENTIAL_FILE: '',
  }
  replaceFile(join(control, 'access.yaml'), own, readDocuments('access.yaml', places))
  process.stdout.write('the secrets of this installation are in their volumes\n')
}

main().catch(fail('init'))
