// Who did something: the subject, with the issuer for those who hover or listen.
import { actorText } from './actions.ts'

export function By({ actor }: { readonly actor: string }) {
  const { name, issuer } = actorText(actor)
  if (issuer === '') return <span>{name}</span>
  return (
    <span title={`of ${issuer}`} className="[overflow-wrap:anywhere]">
      {name}
    </span>
  )
}
