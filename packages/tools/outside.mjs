// The libraries that no bundle holds: what opens files beside itself (libpg-query its WebAssembly, oidc-provider its views)
// and what is optional and asked for in a try. Everything else goes in: a start reads one file instead of a thousand, which
// halves it.
export const outside = ['libpg-query', 'oidc-provider', 'pg-native']
