import { HostError } from '../../../host/errors.ts';
import { formatComplaint } from '../../build/diagnostic.ts';

/**
 * Refuses functions that wait: after the module is evaluated the engine never resumes them, and what comes after
 * an `await` would be lost without a word. Packages of others are left alone, for they have functions nobody calls.
 * @throws HostError `HOST_ERR_BUILD_FAILED` with the place of every such function
 */
export async function requireNoAsync(sources: ReadonlyMap<string, string>): Promise<void> {
  const { parseSync, Visitor } = await import('rolldown/utils');
  const complaints: string[] = [];
  for (const [file, source] of sources) {
    if (file.includes('node_modules/') || !/\basync\b/.test(source)) continue;
    const check = (node: { readonly async: boolean; readonly start: number }): void => {
      if (!node.async) return;
      const text =
        'a function cannot be async: an agent has no event loop, and imports answer at once; call them without await';
      complaints.push(formatComplaint({ isError: true, code: 0, text, file, offset: node.start }, source));
    };
    new Visitor({
      FunctionDeclaration: check,
      FunctionExpression: check,
      ArrowFunctionExpression: check,
    }).visit(parseSync(file, source).program);
  }
  if (complaints.length > 0) throw new HostError('HOST_ERR_BUILD_FAILED', complaints.join('\n'));
}
