import { plainText } from '../../errors.ts';
import type {
  AnswerText,
  CallText,
  Happening,
  HistorySummary,
  Replayed,
  TurnDivergence,
  TurnEnd,
  Unreplayed,
} from '../../host/record/replaying.ts';
import { grouped } from '../client/amount.ts';
import { formatTable } from '../client/table.ts';
import { plain } from './plain.ts';

const lineCharsMax = 200;
const closeCharsMax = 4_000;

/** One turn as one line, and two more where it differs. */
export function lineOf(turn: Replayed | Unreplayed): string {
  if (turn.kind === 'unreplayed') return `${turn.turn}  not run again: ${plainText(turn.reason)}\n`;
  const { exported, before, now, calls } = turn;
  const line = `${turn.turn}  ${turn.kind}  ${exported}  ${before.kind}  ${fuelOf(before, now)}  ${calls} ${calls === 1 ? 'call' : 'calls'}\n`;
  return turn.divergence === undefined ? line : `${line}${differenceOf(turn.divergence, lineCharsMax)}`;
}

/** All that happened in a turn. */
export function closeUpOf(turn: Replayed | Unreplayed): string {
  if (turn.kind === 'unreplayed') return lineOf(turn);
  const { before, now, happened = [] } = turn;
  const at = new Date(turn.atMs).toISOString();
  const lines = [
    `turn ${turn.turn}  life ${turn.life}  ${at}  ${turn.exported}`,
    `   is told  ${short(turn.argument, closeCharsMax)}`,
    ...happened.map((one, index) => `   ${String(index + 1).padStart(2)}  ${happeningText(one)}`),
    `   ends  ${endText(now)}, ${fuelOf(before, now)}, ${grouped(now.memoryBytes)} bytes of memory`,
    `   ${verdicts[turn.kind]}`,
  ];
  const difference = turn.divergence === undefined ? '' : differenceOf(turn.divergence, closeCharsMax);
  return `${lines.join('\n')}\n${difference}`;
}

const verdicts: Readonly<Record<Replayed['kind'], string>> = {
  same: 'the same as then',
  cut: 'the host ended it then; the same up to there',
  diverged: 'not the same as then:',
};

function happeningText(happening: Happening): string {
  switch (happening.kind) {
    case 'call':
      return `${callText(happening, closeCharsMax)}  →  ${answerText(happening.answer)}`;
    case 'later':
      return `answer ${happening.pending} comes  →  ${answerText(happening.answer)}`;
    case 'growth':
      return happening.isGranted ? 'more memory' : 'more memory, which the host did not have';
  }
}

function answerText(answer: AnswerText): string {
  switch (answer.kind) {
    case 'value':
      return short(answer.value, closeCharsMax);
    case 'error':
      return `error ${short(answer.value, closeCharsMax)}`;
    case 'fault':
      return `the host failed: ${plainText(answer.text)}`;
    case 'pending':
      return `comes later, as answer ${answer.pending}`;
  }
}

function endText({ kind, why, value }: TurnEnd): string {
  const reason = why === undefined ? '' : ` (${plainText(why)})`;
  return `${kind}${reason}${value === undefined ? '' : `  ${short(value, closeCharsMax)}`}`;
}

function fuelOf(before: TurnEnd, now: TurnEnd): string {
  const was = `${grouped(before.fuel)} fuel`;
  return before.fuel === now.fuel ? was : `${was}, now ${grouped(now.fuel)}`;
}

function differenceOf(divergence: TurnDivergence, charsMax: number): string {
  const [then, now] =
    divergence.at === 'call'
      ? [callOrEnd(divergence.expected, charsMax), callOrEnd(divergence.found, charsMax)]
      : [short(divergence.expected, charsMax), short(divergence.found, charsMax)];
  return `   ${placeOf(divergence)}\n   then  ${then}\n   now   ${now}\n`;
}

/** `at call 3`, `at its end: fuel`. Calls count from 1. */
export function placeOf(divergence: TurnDivergence): string {
  return divergence.at === 'call' ? `at call ${divergence.call + 1}` : `at its end: ${divergence.field}`;
}

function callOrEnd(call: CallText | undefined, charsMax: number): string {
  return call === undefined ? 'no call' : callText(call, charsMax);
}

/** `motehost:agent/bus@0.1.0#send("audit", …)`. */
function callText({ name, args }: CallText, charsMax: number): string {
  const list = Array.isArray(args) ? args.map((arg) => short(arg, charsMax)) : [short(args, charsMax)];
  return plainText(`${name}(${list.join(', ')})`);
}

function short(value: unknown, charsMax: number): string {
  const text = value === undefined ? 'nothing' : plainText(JSON.stringify(value, plain));
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}

const columns = [
  { title: 'AGENT' },
  { title: 'TURNS', isNumber: true },
  { title: 'LIVES', isNumber: true },
  { title: 'FROM' },
  { title: 'TO' },
  { title: 'COMPONENT' },
];
const digestChars = 12;

/** The agents that can be run again. */
export function tableOf(summaries: readonly HistorySummary[]): string {
  if (summaries.length === 0)
    return 'none: an agent is recorded from its next start on with record = true under [history] in its agent.toml\n';
  const rows = summaries.map(({ agent, turns, lives, fromMs, toMs, digest }) => [
    agent,
    grouped(turns),
    grouped(lives),
    new Date(fromMs).toISOString(),
    new Date(toMs).toISOString(),
    digest?.slice(0, digestChars) ?? '',
  ]);
  return `${formatTable(columns, rows).join('\n')}\n`;
}
