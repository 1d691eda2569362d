import { plainText } from '../errors.ts';
import { kindNames } from './kinds.ts';
import { proofText } from './proof.ts';
import type { ComplianceReport, ControlReport, Evidence } from './report.ts';
import { eventText, verificationText } from './text.ts';

/** A report in Markdown. */
export function reportText(report: ComplianceReport): string {
  const { template, fromMs, toMs, madeMs, verification, controls, gaps } = report;
  const lines = [
    `# ${template.title}`,
    '',
    `Events from ${timeText(fromMs)} to ${timeText(toMs)}, as found at ${timeText(madeMs)}.`,
    'This page says what the audit chain shows and what it does not. Whether that is enough, a person judges.',
    '',
    '## The record',
    '',
    ...verificationText(verification)
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`),
    '',
    ...listOf('Gaps', gaps),
    ...controls.flatMap(controlText),
  ];
  return plainText(`${lines.join('\n')}\n`, true);
}

function controlText({ control, counts, evidence, exceptions, gaps }: ControlReport): string[] {
  const numbers = [...counts].map(([kind, count]) => `${count} ${kindNames.get(kind)}`).join(', ');
  return [
    `## ${control.id}: ${control.title}`,
    '',
    control.asks,
    '',
    `On the record: ${numbers || 'nothing that bears on it'}.`,
    '',
    ...listOf('Evidence, the latest', evidence.map(evidenceText)),
    ...listOf('To be looked at, the latest', exceptions.map(evidenceText)),
    ...listOf('Gaps', gaps),
  ];
}

function evidenceText({ event, proof }: Evidence): string {
  return `${eventText(event)}${proof === undefined ? ' (without proof)' : ''}`;
}

function listOf(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`${title}:`, '', ...items.map((item) => `- ${item}`), ''];
}

/** A report as data, its proofs included, each to be verified alone. */
export function reportJson(report: ComplianceReport): string {
  const { template, fromMs, toMs, madeMs, verification, controls, gaps } = report;
  const listed = ({ event, proof }: Evidence): unknown => ({
    sequence: event.sequence,
    text: eventText(event),
    proof: proof === undefined ? null : JSON.parse(proofText(proof)),
  });
  const json = {
    template: template.name,
    title: template.title,
    from: timeText(fromMs),
    to: timeText(toMs),
    made: timeText(madeMs),
    isIntact: verification.isIntact,
    faults: verification.faults,
    gaps,
    controls: controls.map(({ control, counts, evidence, exceptions, gaps: own }) => ({
      id: control.id,
      title: control.title,
      counts: Object.fromEntries([...counts].map(([kind, count]) => [kindNames.get(kind), count])),
      evidence: evidence.map(listed),
      exceptions: exceptions.map(listed),
      gaps: own,
    })),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
