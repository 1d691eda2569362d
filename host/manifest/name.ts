const namePattern = /^[a-z][a-z0-9-]{0,62}$/;

/** Whether a name may be an agent's: lower-case letters, digits and dashes, beginning with a letter; at most 63. */
export function isAgentName(name: string): boolean {
  return namePattern.test(name);
}
