// The editor lives in a shadow root: there its style sheets are objects of the page, not <style> elements, which the
// content policy of the console forbids. The design tokens reach it all the same, because variables are inherited.

/** The shadow root of an element, empty. React may run an effect twice; an element has one root for life. */
export function emptyShadow(host: HTMLElement): ShadowRoot {
  const shadow = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  shadow.replaceChildren()
  return shadow
}
