// A person of the demo's identity provider, signed in at the control plane by the device flow, as the command line does it.
import { deviceIdTokenOf } from '../stack/idp.ts'
import { loginAs, type PersonApi, personApi } from '../stack/people-api.ts'
import { variable } from './place.ts'

export async function signedIn(login: string): Promise<PersonApi> {
  const url = variable('CONTROL_URL')
  const provider = { deviceIdToken: (name: string) => deviceIdTokenOf(variable('IDP_ISSUER'), name) }
  const { accessToken } = await loginAs(provider, url, login)
  return personApi(url, login, accessToken)
}
