// The version that the CLI shows and sends as its user agent. A test compares it with package.json.

export const version = '0.1.0'
