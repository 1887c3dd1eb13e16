// How the cards that are decided on are laid out: one column where it is narrow, two where there is room.

/** Where there is room for two columns, the card fits the window and the statement takes the height that is left. */
export const fitting = '@2xl:flex @2xl:max-h-[max(26rem,calc(100dvh-var(--around)))] @2xl:flex-col'
// Narrow: two short facts side by side, what is long across both. Wide: two columns of their own.
export const columns =
  'grid min-h-0 @2xl:overflow-y-auto @max-2xl:grid-cols-2 @max-2xl:gap-x-4 @max-2xl:gap-y-3 @max-2xl:px-4 @max-2xl:py-3 @2xl:grid-cols-[minmax(0,1fr)_16.5rem] @4xl:grid-cols-[minmax(0,1fr)_19rem]'
export const across = '@max-2xl:col-span-2'
