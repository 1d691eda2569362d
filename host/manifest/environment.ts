import type { Table } from './table.ts';

/** One variable of an agent's environment: a text, or the value of a secret, which the manifest never holds. */
export type EnvironmentGrant =
  | { readonly name: string; readonly kind: 'text'; readonly text: string }
  | { readonly name: string; readonly kind: 'secret'; readonly secret: string };

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;
const secretPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Whether a text may be a secret's handle: letters, digits, dots, dashes and underlines; at most 128. */
export function isSecretHandle(text: string): boolean {
  return secretPattern.test(text);
}

/** Reads `[environment]`, in the order of the file. @throws HostError `HOST_ERR_CONFIG_INVALID` */
export function environmentOf(manifest: Table): readonly EnvironmentGrant[] {
  const table = manifest.table('environment');
  return Array.from(table.entries(), ([name, value]) => {
    if (!namePattern.test(name))
      throw table.fault(
        name,
        `environment: '${name}' is no name of a variable (letters, digits, underlines)`,
      );
    if (typeof value === 'string' && !value.includes('\0')) return { name, kind: 'text', text: value };
    if (typeof value !== 'object') throw table.wrong(name, 'a text, or { secret = "stripe-key" }');
    const secret = table.table(name).only(['secret']).text('secret') ?? '';
    if (!isSecretHandle(secret)) throw table.wrong(name, 'a text, or { secret = "stripe-key" }');
    return { name, kind: 'secret', secret };
  });
}

/** The handles of all secrets an environment refers to, each once. */
export function secretsOf(environment: readonly EnvironmentGrant[]): readonly string[] {
  return [...new Set(environment.flatMap((one) => (one.kind === 'secret' ? [one.secret] : [])))];
}

const settingPattern = /^[A-Za-z_][A-Za-z0-9._-]{0,127}$/;

/** Reads `settings`, in the order of the file. @throws HostError `HOST_ERR_CONFIG_INVALID` */
export function settingsOf(manifest: Table): readonly (readonly [name: string, value: string])[] {
  const table = manifest.table('settings');
  return Array.from(table.entries(), ([name, value]) => {
    // A name that begins with a digit would lose its place: numbers come first among the keys of a table.
    if (!settingPattern.test(name))
      throw table.fault(
        name,
        `settings: '${name}' is no name of a setting (letters, digits, . _ -; a letter first)`,
      );
    if (typeof value !== 'string') throw table.wrong(name, `a text in quotes, such as ${name} = "eu"`);
    return [name, value];
  });
}
