// Cleans up when the owner cannot: a shell that notices the end of this process by the end of a pipe, however it came,
// ends the processes that it was told of, by their ids, and removes the stack's folder.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

export interface Reaper {
  /** This process is ours; end it when we are gone. */
  add(processId: number): void
  /** It has ended; its id may soon be another's. */
  drop(processId: number): void
  /** All is cleaned up: nothing is left for the shell to do. */
  done(): Promise<void>
}

// Waits for "add N", "drop N" and "done". The end of the pipe without "done" means that the owner died.
const script = `
folder=$1
pids=
while read -r word id; do
  case $word in
    add) pids="$pids $id" ;;
    drop) kept=; for pid in $pids; do [ "$pid" = "$id" ] || kept="$kept $pid"; done; pids=$kept ;;
    done) exit 0 ;;
  esac
done
alive() { for pid in $pids; do kill -0 "$pid" 2>/dev/null && return 0; done; return 1; }
for pid in $pids; do kill -TERM "$pid" 2>/dev/null; done
n=0
while alive && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
rm -rf -- "$folder"
`

/** `folder` is one that we made, and is removed with all that is in it. */
export function startReaper(folder: string): Reaper {
  // In a session of its own: Ctrl-C at the terminal does not reach it.
  const child = spawn('/bin/sh', ['-c', script, 'sallyport-reaper', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  })
  child.stdin.on('error', () => {})
  const say = (line: string) => void child.stdin.write(`${line}\n`)
  return {
    add: (processId) => say(`add ${processId}`),
    drop: (processId) => say(`drop ${processId}`),
    async done() {
      const exited = child.exitCode === null ? once(child, 'exit') : undefined
      say('done')
      child.stdin.end()
      await exited
    },
  }
}
