import type { AuditEvent } from './event.ts';
import { type Kind, kindNames, kinds } from './kinds.ts';
import { type InclusionProof, makeProofs } from './proof.ts';
import { queryChain } from './query.ts';
import { type Control, parseTemplate, type ReportTemplate } from './report-template.ts';
import { gdpr } from './templates/gdpr.ts';
import { hipaa } from './templates/hipaa.ts';
import { sox } from './templates/sox.ts';
import { type Verification, verifyChain } from './verify.ts';

/** The templates that come with the host, by name. */
export const templates: Readonly<Record<string, string>> = { hipaa, gdpr, sox };

export interface ReportOptions {
  readonly folder: string;
  readonly publicKeys: readonly Uint8Array[];
  readonly template: ReportTemplate;
  /** Milliseconds since the Unix epoch: from (inclusive), to (exclusive). */
  readonly fromMs: number;
  readonly toMs: number;
  /** Events listed for each control, of each sort; the latest. */
  readonly listedMax?: number;
  readonly nowMs: number;
}

/** An event that a report points to. */
export interface Evidence {
  readonly event: AuditEvent;
  readonly proof: InclusionProof | undefined;
}

export interface ControlReport {
  readonly control: Control;
  /** How many there are of each kind, evidence and exceptions. */
  readonly counts: ReadonlyMap<Kind, number>;
  readonly evidence: readonly Evidence[];
  readonly exceptions: readonly Evidence[];
  /** What is missing, in words; none is not the same as compliance. */
  readonly gaps: readonly string[];
}

export interface ComplianceReport {
  readonly template: ReportTemplate;
  readonly fromMs: number;
  readonly toMs: number;
  readonly madeMs: number;
  readonly verification: Verification;
  readonly controls: readonly ControlReport[];
  /** Of the record as a whole. */
  readonly gaps: readonly string[];
}

const dayMs = 86_400_000;

/** Undefined when no template that comes with the host has the name. */
export function builtInTemplate(name: string): ReportTemplate | undefined {
  const text = templates[name];
  return text === undefined ? undefined : parseTemplate(text);
}

/**
 * Verifies the chain and gathers, for each control, what the chain shows.
 * @throws HostError `HOST_ERR_AUDIT_CORRUPT` where the chain cannot be read on
 */
export async function makeReport(options: ReportOptions): Promise<ComplianceReport> {
  const { folder, publicKeys, template, fromMs, toMs, nowMs } = options;
  const verification = await verifyChain(folder, publicKeys);
  const sheets = template.controls.map((control) => new Sheet(control, options.listedMax ?? 10));
  const disturbances = new Map<number, number>();
  for await (const event of queryChain(folder, { fromMs, toMs })) {
    for (const sheet of sheets) sheet.see(event);
    if (disturbing.has(event.kind)) disturbances.set(event.kind, (disturbances.get(event.kind) ?? 0) + 1);
  }
  const proofs = makeProofs(folder, new Set(sheets.flatMap((sheet) => sheet.sequences())));
  const keptMs = nowMs - (verification.firstMs ?? nowMs);
  return {
    template,
    fromMs,
    toMs,
    madeMs: nowMs,
    verification,
    controls: sheets.map((sheet) => sheet.report(proofs, verification.prunedTo !== undefined, keptMs)),
    gaps: [...recordGaps(verification, fromMs, toMs), ...disturbanceGaps(disturbances)],
  };
}

/** Events after which the record itself has to be looked at. */
const disturbing: ReadonlySet<number> = new Set([
  kinds.clockJumped,
  kinds.recovered,
  kinds.eventsLost,
  kinds.lossAccepted,
]);

function recordGaps(found: Verification, fromMs: number, toMs: number): string[] {
  const gaps: string[] = [];
  const first = found.faults[0];
  if (first !== undefined)
    gaps.push(
      `the chain is not intact: event ${first.sequence}: ${first.detail}; nothing here is proven beyond its own proof`,
    );
  gaps.push(...found.notes);
  if (found.firstMs === undefined) gaps.push('the chain has no events');
  else if (found.firstMs > fromMs) {
    const why =
      found.prunedTo === undefined ? 'it began then' : `events up to ${found.prunedTo} were deleted`;
    gaps.push(`the record begins at ${timeText(found.firstMs)}, after the period does: ${why}`);
  }
  if (found.lastMs !== undefined && found.lastMs < toMs)
    gaps.push(`the record ends at ${timeText(found.lastMs)}, before the period does`);
  if (found.lastSeal !== undefined && found.lastSeal.seal.uncertaintyMs === null)
    gaps.push('how exact the clock is, nobody said (clock uncertainty is not set)');
  return gaps;
}

function disturbanceGaps(disturbances: ReadonlyMap<number, number>): string[] {
  return [...disturbances].map(
    ([kind, count]) => `${count} × ${kindNames.get(kind)} in the period: see these events`,
  );
}

class Sheet {
  readonly #control: Control;
  readonly #listedMax: number;
  readonly #counts = new Map<Kind, number>();
  readonly #evidence: AuditEvent[] = [];
  readonly #exceptions: AuditEvent[] = [];

  constructor(control: Control, listedMax: number) {
    this.#control = control;
    this.#listedMax = listedMax;
    for (const kind of [...control.evidence, ...control.exceptions]) this.#counts.set(kind, 0);
  }

  see(event: AuditEvent): void {
    const kind = event.kind as Kind;
    const count = this.#counts.get(kind);
    if (count === undefined) return;
    this.#counts.set(kind, count + 1);
    const list = this.#control.evidence.includes(kind) ? this.#evidence : this.#exceptions;
    list.push(event);
    if (list.length > this.#listedMax) list.shift();
  }

  sequences(): number[] {
    return [...this.#evidence, ...this.#exceptions].map(({ sequence }) => sequence);
  }

  report(proofs: ReadonlyMap<number, InclusionProof>, isPruned: boolean, keptMs: number): ControlReport {
    const proven = (event: AuditEvent): Evidence => ({ event, proof: proofs.get(event.sequence) });
    return {
      control: this.#control,
      counts: this.#counts,
      evidence: this.#evidence.map(proven),
      exceptions: this.#exceptions.map(proven),
      gaps: this.#gaps(isPruned, keptMs),
    };
  }

  #gaps(isPruned: boolean, keptMs: number): string[] {
    const { evidence, min, retentionDays, outside } = this.#control;
    const gaps: string[] = [];
    const found = evidence.reduce((sum, kind) => sum + (this.#counts.get(kind) ?? 0), 0);
    if (evidence.length > 0 && found < min)
      gaps.push(
        `${found} events show it, ${min} are asked: ${evidence.map((kind) => kindNames.get(kind)).join(', ')}`,
      );
    if (retentionDays !== undefined && isPruned && keptMs < retentionDays * dayMs)
      gaps.push(
        `the record is to be kept ${retentionDays} days; what is older than ${Math.floor(keptMs / dayMs)} was deleted`,
      );
    if (outside !== undefined) gaps.push(`not on this record: ${outside}`);
    return gaps;
  }
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
