import { HostError } from '../../../host/errors.ts';
import type { Built, Language, Project } from '../../build/language.ts';
import type { WorldTarget } from '../../build/target.ts';
import { bundleProject } from './bundle.ts';
import { componentizeBundle } from './componentize.ts';
import { preludePaths } from './prelude.ts';
import { requireSupported } from './world-data.ts';

export const javascript: Language = {
  title: 'TypeScript',
  entry: 'agent.ts',
  build,
  writeTypes: async () => [],
  scaffold: () => undefined,
  toolFiles: preludePaths,
};

async function build(project: Project): Promise<Built> {
  const target = worldOf(project);
  requireSupported(target.world);
  const bundle = await bundleProject(project, target);
  const bytes = await componentizeBundle(bundle, target);
  return { bytes, warnings: bundle.warnings, sources: bundle.sources };
}

function worldOf({ target }: Project): WorldTarget {
  if (target.kind === 'world') return target;
  throw new HostError('HOST_ERR_BUILD_FAILED', 'todo');
}
