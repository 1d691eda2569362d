import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';

const pageBytes = 65_536;
const options = { timeout: 60_000 };

/** Pages that one `scribe` has, as the host counts them. */
async function pagesOfOne(host: Hosted): Promise<number> {
  const bytes = (await host.serving.metrics()).find(({ name }) => name === 'motehost_memory_bytes');
  return (bytes?.samples[0]?.value ?? 0) / pageBytes;
}

test(
  'where agents have all the bytes there are, idle ones leave memory; who finds no room is refused in time',
  options,
  async (t) => {
    const component = await scribe();
    const probe = await Hosted.start(t, temporaryState(t), [localAgent('probe', component)]);
    await probe.ask('probe', 'a');
    const pages = await pagesOfOne(probe);
    assert.ok(pages > 0);
    await probe.close(0);
    const long = '[limits]\nfuel = 1000000000000\ndeadline = "50s"\n';
    const short = '[hibernate]\nafter = "never"\n[limits]\ndeadline = "1s"\n';
    const agents = [
      localAgent('busy', component, long),
      localAgent('one', component, short),
      localAgent('two', component, short),
    ];
    const host = await Hosted.start(t, temporaryState(t), agents, { memoryBytesMax: 2 * pages * pageBytes });
    const spinning = host.ask('busy', 'spin');
    await host.lines.until(/busy: seen spin/);
    for (const count of ['1', '2', '3']) {
      assert.equal(await host.ask('one', 'a'), count);
      assert.equal(await host.ask('two', 'a'), count);
    }
    assert.equal((await host.serving.agent('one')).state, 'hibernated');
    const tiny = await Hosted.start(t, temporaryState(t), agents, {
      memoryBytesMax: pageBytes * (pages - 1),
    });
    assert.notEqual(await tiny.ask('one', 'a'), '1');
    await tiny.lines.until(/one: the memories of this process have 0 of at most .* --memory-total/);
    await host.close(0);
    await spinning;
  },
);
