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
