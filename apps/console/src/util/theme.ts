// The theme that is shown, and the choice that is kept. public/theme.js applies it before the first paint.
export type Theme = 'light' | 'dark'

export const currentTheme = (): Theme => (document.documentElement.dataset['theme'] === 'dark' ? 'dark' : 'light')

export function setTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme
  localStorage.setItem('sallyport-theme', theme)
}
