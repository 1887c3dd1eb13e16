// How to check records without trusting this page or this control plane.
import { Link } from '@tanstack/react-router'
import { CodeBlock } from '../ui/Code.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { paths } from '../util/paths.ts'

export function VerifyDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title="Verify records offline"
      lead="Records of sessions are chained and signed by the agent that made them, so anybody can check a copy."
      wide
    >
      <ol className="list-decimal space-y-4 pl-5 marker:font-semibold marker:text-ink-3">
        <li className="space-y-2">
          <p>
            <strong>Pin the key where it was made.</strong> On the host of the agent, not here: whoever controls this
            page could show another. The{' '}
            <Link to={paths.agents()} className="link">
              agents page
            </Link>{' '}
            shows what to compare with.
          </p>
          <CodeBlock
            text="node apps/agent/dist/main.js fingerprint"
            what="the command"
            label="On the host of the agent"
          />
        </li>
        <li className="space-y-2">
          <p>
            <strong>Take a copy</strong> of one session (also by its page), or of a span of time.
          </p>
          <CodeBlock text="sallyport sessions export SESSION -o session.jsonl" what="the command" />
        </li>
        <li className="space-y-2">
          <p>
            <strong>Check it</strong> on a machine of your own, without a network. Every entry, its place in the chain
            and the signature of the head are held against the key.
          </p>
          <CodeBlock text="sallyport audit verify session.jsonl --key FINGERPRINT" what="the command" />
        </li>
      </ol>
      <p className="mt-4 border-t border-line pt-3 text-ink-2">
        This list of actions is kept by the control plane and is not signed by agents. It says who looked at a record or
        changed a policy; it does not prove it against whoever runs the database.
      </p>
    </Dialog>
  )
}
