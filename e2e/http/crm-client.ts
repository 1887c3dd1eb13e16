// A program over the client that is generated from crm.openapi.yaml, as its author would write it: the base URL and a token are all that
// it is given. It is compiled beside what was generated, so that its types are checked too.
import createClient from 'openapi-fetch'
import type { paths } from './crm.openapi.js'

const [, , baseUrl = '', token = ''] = process.argv
const crm = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } })
const orders = await crm.GET('/v1/orders', { params: { query: { page: 2 } } })
const person = await crm.GET('/v1/people/{id}', { params: { path: { id: 7 } } })
const refused = await crm.GET('/v1/exports/{name}', { params: { path: { name: 'all' } } })
const refund = await crm.POST('/v1/refunds', { body: { amount: 9, note: 'generated' } })
const said = {
  orders: orders.data?.url,
  owner: person.data?.owner,
  exports: refused.data?.method ?? refused.error?.code,
  refund: refund.data?.method ?? refund.error?.code,
}
process.stdout.write(JSON.stringify(said))
