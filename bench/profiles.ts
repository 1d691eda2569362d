import { Profiles } from '../host/scheduler/profile.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median } from './samples.ts';

const question = 'what does a profile cost each message?';
const messages = 1_000_000;
/** Coprime to the numbers of agents: messages go to all of them, far from one another. */
const step = 7919;

function nsPerMessage(agents: number, rounds: number): number {
  const profiles = new Profiles();
  let key = 0;
  const times = Array.from({ length: rounds + 1 }, () => {
    const startedMs = performance.now();
    for (let at = 0; at < messages; at += 1) {
      profiles.charge(key, 1000, 0.1);
      profiles.ended(key, 0.2, 65_536, at);
      key = (key + step) % agents;
    }
    return ((performance.now() - startedMs) * 1e6) / messages;
  });
  // The first round makes the pages, and the code fast.
  return median(times.slice(1));
}

async function run({ quick }: Effort): Promise<Report> {
  const rounds = quick ? 3 : 9;
  const [one, many, most] = [1, 10_000, 1_000_000].map((agents) => nsPerMessage(agents, rounds)) as [
    number,
    number,
    number,
  ];
  return {
    question,
    columns: ['agents', 'ns a message'],
    rows: [
      ['1', round(one)],
      ['10,000', round(many)],
      ['1,000,000, none of them in a cache', round(most)],
    ],
    marks: [atMost('a profile, 10,000 agents', many, 50, 'ns')],
    remarks: [],
  };
}

export const bench: Bench = { name: 'profiles', question, run };
