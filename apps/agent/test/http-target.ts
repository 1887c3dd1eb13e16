// The Target document of a test's HTTP API or MCP server on the loopback interface, up to where tests differ.

/** What follows are further keys of its spec, two spaces in front of each; `credential` is one of them. */
export const httpTarget = (name: string, port: number, path = '', labels = ''): string => `apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: ${name}${labels === '' ? '' : `, labels: ${labels}`} }
spec:
  protocol: http
  agents: [test]
  url: http://127.0.0.1:${port}${path}
  network: loopback`

/** Target "crm" without a credential, and a policy by which everybody may ask it for everything. */
export const openTarget = (port: number): string => `${httpTarget('crm', port)}
  credential: none
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
  rules: [{ name: all, effect: allow, callers: { any: true }, objects: ["/**"] }]
`
