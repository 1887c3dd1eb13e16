// The tab: the page's name, how many requests wait for the signed-in person, and an icon with a dot while some do.

let page = 'Sallyport'
let waiting = 0

function show(): void {
  const name = page === 'Sallyport' ? page : `${page} · Sallyport`
  document.title = waiting > 0 ? `(${waiting}) ${name}` : name
  const icon = document.querySelector('link[rel="icon"]')
  const wanted = waiting > 0 ? '/icon-waiting.svg' : '/icon.svg'
  if (icon !== null && icon.getAttribute('href') !== wanted) icon.setAttribute('href', wanted)
}

export function setPageTitle(title: string): void {
  page = title
  show()
}

export function setWaitingCount(count: number): void {
  waiting = count
  show()
}
