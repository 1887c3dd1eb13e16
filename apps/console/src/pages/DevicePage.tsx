// A command line wants to log in as the person who reads this: its code, who asks and from where. Nothing happens by
// opening the page; what comes from another address than this browser's has to be vouched for.
import type { DeviceLogin } from '@sallyport/api/device'
import { readUserCode } from '@sallyport/api/device'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Terminal, TriangleAlert } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { RequestError } from '../api/errors.ts'
import { meQuery } from '../api/queries.ts'
import { type DeviceVerb, decideDevice, deviceQuery } from '../forms/device.ts'
import { Field, FormError, fieldShape } from '../forms/Field.tsx'
import { failureText } from '../forms/queries.ts'
import { deviceRoute } from '../router.tsx'
import { Button } from '../ui/Button.tsx'
import { Card, Pairs } from '../ui/Card.tsx'
import { PageHead, useTitle } from '../ui/Frame.tsx'
import { ErrorState, Panel, Skeleton } from '../ui/States.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'

export function DevicePage() {
  const { code } = deviceRoute.useSearch()
  return (
    <div className="mx-auto max-w-xl">{code === undefined ? <AskCode /> : <ShowCode key={code} code={code} />}</div>
  )
}

function AskCode({ problem }: { readonly problem?: string }) {
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState(problem)
  const read = () => {
    const code = readUserCode(text)
    if (code === null) setWrong('A code has eight letters, like WDJB-MJHT.')
    else void navigate({ to: '/device', search: { code: `${code.slice(0, 4)}-${code.slice(4)}` } })
  }
  return (
    <>
      <PageHead title="Log in a command line" lead="With the code that “sallyport login” shows in your terminal." />
      <Card>
        <form
          className="space-y-4"
          onSubmit={(event) => {
            event.preventDefault()
            read()
          }}
        >
          <Field
            label="Code"
            hint="Type only a code from your own terminal, never one that somebody sent you."
            error={wrong}
          >
            {(props) => (
              <input
                {...props}
                className={`${fieldShape} font-mono text-lg tracking-widest uppercase`}
                value={text}
                onChange={(event) => setText(event.target.value)}
                autoComplete="off"
                autoCapitalize="characters"
                spellCheck={false}
                maxLength={20}
                // biome-ignore lint/a11y/noAutofocus: the page is this one field
                autoFocus
              />
            )}
          </Field>
          <Button kind="primary" large type="submit">
            Look who asks
          </Button>
        </form>
      </Card>
    </>
  )
}

function ShowCode({ code }: { readonly code: string }) {
  const found = useQuery(deviceQuery(code))
  const [done, setDone] = useState<DeviceVerb | null>(null)
  if (done !== null) return <Done verb={done} />
  if (found.data !== undefined) return <Decide login={found.data} onDone={setDone} />
  if (found.isPending) return <Skeleton label="Looking who asks" rows={4} />
  if (found.error instanceof RequestError && found.error.status === 404)
    return (
      <AskCode problem="No login waits with this code: it is good once, for ten minutes. Run “sallyport login” again." />
    )
  return <ErrorState error={found.error} retry={() => void found.refetch()} />
}

function Done({ verb }: { readonly verb: DeviceVerb }) {
  const title = verb === 'confirm' ? 'The command line is logged in' : 'The login was refused'
  useTitle(title)
  return (
    <Panel icon={<Terminal size={22} />} title={title} heading="h1">
      <p role="status">
        {verb === 'confirm'
          ? 'It goes on by itself in a few seconds; you can close this page. “My access” lists it, and ends it.'
          : 'Nothing was given out. If you did not ask for it, tell whoever looks after your security.'}
      </p>
    </Panel>
  )
}

function Decide({ login, onDone }: { readonly login: DeviceLogin; readonly onDone: (verb: DeviceVerb) => void }) {
  const me = useQuery(meQuery())
  const [vouched, setVouched] = useState(false)
  const [busy, setBusy] = useState<DeviceVerb | null>(null)
  const [failure, setFailure] = useState<string | null>(null)
  const decide = async (verb: DeviceVerb) => {
    setBusy(verb)
    setFailure(null)
    try {
      await decideDevice(login.id, verb)
      onDone(verb)
    } catch (error) {
      setFailure(failureText(error))
      setBusy(null)
    }
  }
  const why = login.isSameAddress || vouched ? undefined : 'Say first that this machine is yours'
  return (
    <>
      <PageHead
        title="Log in a command line?"
        lead={`It will act as ${me.data?.display ?? 'you'}, with all that you may do, until it is ended or your login here ends.`}
      />
      <Card>
        <p className="text-ink-2">Your terminal must show this code:</p>
        <p className="mt-1 mb-4 font-mono text-3xl font-semibold tracking-widest">{login.userCode}</p>
        <Pairs
          pairs={[
            { name: 'Machine', value: <SaidBy>{login.host}</SaidBy> },
            { name: 'Address', value: <VisibleText text={login.address} /> },
            { name: 'Program', value: <SaidBy>{login.client}</SaidBy> },
            { name: 'Asked', value: <TimeAgo at={login.createdAt} /> },
          ]}
        />
        {login.isSameAddress ? null : <Elsewhere vouched={vouched} onChange={setVouched} />}
        {failure === null ? null : (
          <div className="mt-4">
            <FormError>{failure}</FormError>
          </div>
        )}
        <div className="mt-5 flex flex-wrap items-start gap-3">
          <Button kind="primary" large why={why} busy={busy === 'confirm'} onClick={() => void decide('confirm')}>
            Log it in
          </Button>
          <Button kind="danger" large busy={busy === 'refuse'} onClick={() => void decide('refuse')}>
            Refuse
          </Button>
        </div>
      </Card>
      <p className="mt-4 text-xs text-ink-3">
        Did somebody send you this address or code? Refuse it: whoever started that login would be you.
      </p>
    </>
  )
}

/** What the machine says of itself: anybody can say it. */
function SaidBy({ children }: { readonly children: string }): ReactNode {
  return (
    <>
      <VisibleText text={children} inOrder /> <span className="text-xs text-ink-3">as it says itself</span>
    </>
  )
}

function Elsewhere({ vouched, onChange }: { readonly vouched: boolean; readonly onChange: (now: boolean) => void }) {
  return (
    <div className="mt-4 rounded-lg bg-hold-soft px-3.5 py-3 text-hold">
      <p className="flex gap-2 font-semibold">
        <TriangleAlert aria-hidden size={18} className="mt-0.5 shrink-0" />
        This login was asked for at another address than yours
      </p>
      <label className="mt-2 flex min-h-9 items-center gap-2.5">
        <input type="checkbox" checked={vouched} onChange={(event) => onChange(event.target.checked)} />
        <span>I started it myself, on a machine that I trust</span>
      </label>
    </div>
  )
}
