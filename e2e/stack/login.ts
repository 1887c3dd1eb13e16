// `sallyport login` by the real command line: waits for the code that it prints, and confirms it at the real provider.
import { type Ran, runCli } from './cli.ts'
import type { Stack } from './stack.ts'

/** Logs in below `home` as this person. */
export async function cliLogin(stack: Pick<Stack, 'idp' | 'url'>, login: string, home: string): Promise<Ran> {
  let confirmed: Promise<void> | undefined
  const ran = await runCli(['login', '--url', stack.url], {
    home,
    onStderr(soFar) {
      const code = /^code {2}(\S+)$/m.exec(soFar)?.[1]
      if (code !== undefined) confirmed ??= stack.idp.approveDevice(code, login)
    },
  })
  await confirmed
  return ran
}
