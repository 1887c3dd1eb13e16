// The version that the agent shows and reports to the control plane. A test compares it with package.json.

export const version = '0.1.0'
