// Changes that are not saved are not lost by a wrong click: leaving the page asks first.
import { useBlocker } from '@tanstack/react-router'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'

export function LeaveQuestion({ isDirty, lead }: { readonly isDirty: boolean; readonly lead: string }) {
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => isDirty && current.pathname !== next.pathname,
    enableBeforeUnload: () => isDirty,
    withResolver: true,
  })
  if (blocker.status !== 'blocked') return null
  return (
    <Dialog
      open
      onClose={blocker.reset}
      title="Leave without saving?"
      lead={lead}
      actions={
        <>
          <Button onClick={blocker.proceed}>Leave and lose it</Button>
          <Button kind="primary" onClick={blocker.reset}>
            Stay
          </Button>
        </>
      }
    />
  )
}
