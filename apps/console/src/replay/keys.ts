// The keys of the player that move and that switch lanes, as bindings with the words of the help dialog.
import { lanes } from '@sallyport/api/recordings'
import type { Binding } from '../util/keys.ts'
import { laneLooks } from './lanes.tsx'
import type { PlayerActions } from './usePlayer.ts'

export function moveBindings(actions: PlayerActions, jump: (direction: 1 | -1) => void): readonly Binding[] {
  return [
    { keys: 'j', label: 'Next statement', run: () => actions.move(1) },
    { keys: 'ArrowDown', label: 'Next statement', run: () => actions.move(1) },
    { keys: 'k', label: 'Previous statement', run: () => actions.move(-1) },
    { keys: 'ArrowUp', label: 'Previous statement', run: () => actions.move(-1) },
    { keys: 'n', label: 'Next denied, held, approved or failed', run: () => jump(1) },
    { keys: 'p', label: 'Previous denied, held, approved or failed', run: () => jump(-1) },
    { keys: 'Home', label: 'First statement', run: () => actions.toEnd('first') },
    { keys: 'End', label: 'Last statement', run: () => actions.toEnd('last') },
    { keys: ']', label: 'A tenth further', run: () => actions.moveBy(0.1) },
    { keys: '[', label: 'A tenth back', run: () => actions.moveBy(-0.1) },
  ]
}

export const laneBindings = (actions: PlayerActions): readonly Binding[] =>
  lanes.map((lane, index) => ({
    keys: String(index + 1),
    label: `Show or hide ${laneLooks[lane].word.toLowerCase()}`,
    run: () => actions.toggle(lane),
  }))
