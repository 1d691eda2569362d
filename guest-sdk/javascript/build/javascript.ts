import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostError } from '../../../host/errors.ts';
import type { Built, Language, Project } from '../../build/language.ts';
import type { WorldTarget } from '../../build/target.ts';
import { type Bundle, bundleProject } from './bundle.ts';
import { checkTypes, typeCheckerOf } from './check-types.ts';
import { commandTarget } from './command.ts';
import { componentizeBundle, programOf } from './componentize.ts';
import { declarationFiles, writeTypes } from './editor.ts';
import { loadEngine } from './engine.ts';
import { EvaluationError, evaluate, evaluationMsMax } from './evaluate.ts';
import { explainEvaluation } from './explain.ts';
import { preludePaths } from './prelude.ts';
import { scaffold, templateNames } from './scaffold.ts';
import { requireSupported } from './world-data.ts';

/** TypeScript and JavaScript, run by QuickJS inside the component. */
export const javascript: Language = {
  title: 'TypeScript',
  entry: 'agent.ts',
  build: (project) => buildWithin(project, evaluationMsMax),
  writeTypes: async (project) => writeTypes(project, await worldOf(project)),
  templates: templateNames,
  scaffold,
  toolFiles: () => [...preludePaths(), ...declarationFiles],
};

/** @param deadlineMs for the evaluation of the program's top level */
export async function buildWithin(project: Project, deadlineMs: number): Promise<Built> {
  const target = await worldOf(project);
  requireSupported(target.world);
  const bundle = await bundleProject(project, target);
  const warnings = [...bundle.warnings, ...(await check(project, target, bundle))];
  try {
    const bytes = await componentizeBundle(bundle, target, deadlineMs);
    return { bytes, warnings, sources: bundle.sources };
  } catch (cause) {
    if (!(cause instanceof EvaluationError)) throw cause;
    if (!cause.isThrown) throw explainEvaluation(cause, bundle, project, target.world);
    throw await explainThrown(cause, project, target, deadlineMs);
  }
}

/**
 * Evaluates the program again, as it was written: what the bundler takes away and joins takes places with it, and
 * after a `throw` at top level also the exports.
 */
async function explainThrown(
  first: EvaluationError,
  project: Project,
  target: WorldTarget,
  deadlineMs: number,
): Promise<HostError> {
  const bundle = await bundleProject(project, target, true);
  try {
    await evaluate(loadEngine(), programOf(bundle, target), deadlineMs);
  } catch (cause) {
    if (cause instanceof EvaluationError) return explainEvaluation(cause, bundle, project, target.world);
    throw cause;
  }
  return explainEvaluation(first, bundle, project, target.world);
}

/** Checks TypeScript's types where its compiler is there; without it types are taken away unread. */
async function check(project: Project, target: WorldTarget, bundle: Bundle): Promise<string[]> {
  if (!/\.[mc]?tsx?$/.test(project.entry)) return [];
  const checker = typeCheckerOf(project.folder);
  if (checker === undefined)
    return ['types were not checked, for there is no TypeScript; npm install --save-dev typescript adds it'];
  writeTypes(project, target);
  await checkTypes(project, target, checker, (file) => bundle.sourceText(file) ?? readIfThere(project, file));
  return [];
}

function readIfThere({ folder }: Project, file: string): string | undefined {
  try {
    return readFileSync(join(folder, file), 'utf8');
  } catch {
    return undefined;
  }
}

async function worldOf({ target }: Project): Promise<WorldTarget> {
  return target.kind === 'world' ? target : await commandTarget();
}
