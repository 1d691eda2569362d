// Has a state folder until it is killed.
import { openState } from '../../host/host/state/state-folder.ts';

const state = openState(process.argv[2] ?? '');
state.agents.put({
  name: 'held',
  manifest: '',
  digest: '0'.repeat(64),
  earlier: [],
  accepted: undefined,
  parent: undefined,
  installedAtMs: 0,
});
await state.agents.saved();
process.stdout.write('held\n');
setInterval(() => {}, 1000);
