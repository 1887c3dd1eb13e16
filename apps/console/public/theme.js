// Sets the theme before the first paint; the console's own switch writes the same key.
;(() => {
  const wanted = localStorage.getItem('sallyport-theme')
  const dark = wanted === 'dark' || (wanted !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
})()
