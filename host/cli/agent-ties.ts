import { HostError, plainText } from '../errors.ts';
import type { AgentTie } from '../host/serving.ts';
import type { Connection } from './client/connection.ts';
import { formatTable } from './client/table.ts';
import { listIn, tableIn, type Wire } from './client/wire.ts';
import { exitCodes } from './exit-code.ts';

/** What `host agents` does with two agents. */
export const tieVerbs: ReadonlySet<string> = new Set(['link', 'unlink', 'monitor', 'demonitor']);

const pathOf = (name: string): string => `/v1/agents/${encodeURIComponent(name)}`;

/** @throws HostError `HOST_ERR_CLI_USAGE`, and what the host answers */
export async function tie(connection: Connection, words: readonly string[]): Promise<number> {
  const [verb = '', name, other] = words;
  if (name === undefined || other === undefined || words.length > 3)
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `host agents ${verb} takes ${verb === 'demonitor' ? 'NAME and the NUMBER of a monitor' : 'two agents'}; see host agents --help`,
    );
  const [own, their] = [plainText(name), plainText(other)];
  const to = encodeURIComponent(other);
  if (verb === 'monitor') {
    const made = tableIn(await connection.json('POST', `${pathOf(name)}/monitors/${to}`));
    process.stdout.write(`${String(made.monitor)}\n`);
    process.stderr.write(`host: ${own} is told when ${their} ends\n`);
    return exitCodes.ok;
  }
  const what = verb === 'demonitor' ? 'monitors' : 'links';
  await connection.json(verb === 'link' ? 'POST' : 'DELETE', `${pathOf(name)}/${what}/${to}`);
  process.stderr.write(`host: ${told(verb, own, their)}\n`);
  return exitCodes.ok;
}

function told(verb: string, name: string, other: string): string {
  if (verb === 'link') return `${name} and ${other} are linked: who fails takes the other along`;
  if (verb === 'unlink') return `${name} and ${other} are linked no more`;
  return `${name} has monitor ${other} no more`;
}

const columns = [{ title: 'TIE' }, { title: 'AGENT' }, { title: 'MONITOR', isNumber: true }];

/** Prints the links of an agent, and whom it watches. */
export async function listTies(connection: Connection, name: string, isJson: boolean): Promise<number> {
  const ties = listIn<Wire<AgentTie>>(await connection.json('GET', `${pathOf(name)}/ties`), 'ties');
  const lines = isJson
    ? ties.map((one) => JSON.stringify(one))
    : ties.length === 0
      ? []
      : formatTable(
          columns,
          ties.map(({ kind, agent, monitor }) => [kind, agent, monitor === undefined ? '' : String(monitor)]),
        );
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  if (ties.length === 0 && !isJson) process.stderr.write(`host: ${plainText(name)} has no ties\n`);
  return exitCodes.ok;
}
