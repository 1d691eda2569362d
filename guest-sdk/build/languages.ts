import type { Language, LanguageName } from './language.ts';

const loaders: Readonly<Record<LanguageName, () => Promise<Language>>> = {
  assemblyscript: async () => (await import('../assemblyscript/build/assemblyscript.ts')).assemblyscript,
  rust: async () => (await import('../rust/build/rust.ts')).rust,
  typescript: async () => (await import('../javascript/build/javascript.ts')).javascript,
  c: async () => (await import('../c/build/c.ts')).c,
};

/** A language's builder; loaded only when it is asked for. */
export function loadLanguage(name: LanguageName): Promise<Language> {
  return loaders[name]();
}

/** What people may call a language; the first name of each is the one to show. */
export const languageWords: Readonly<Record<string, LanguageName>> = {
  as: 'assemblyscript',
  rust: 'rust',
  ts: 'typescript',
  c: 'c',
  assemblyscript: 'assemblyscript',
  typescript: 'typescript',
  javascript: 'typescript',
  js: 'typescript',
};
