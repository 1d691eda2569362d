// The front doors know no room between: what they need of the audit chain reaches them from here.
export { type AuditEvent, namedFields } from '../audit/event.ts';
export { type ExportFormat, exportFormats, exportLine } from '../audit/export.ts';
export type { EventFilter } from '../audit/filter.ts';
export { anchorText, parseAnchor, readHead } from '../audit/head.ts';
export { jsonEvent } from '../audit/json.ts';
export { kindNames, kindOf, kinds } from '../audit/kinds.ts';
export { makeProof, parseProof, proofText, verifyProof } from '../audit/proof.ts';
export { queryChain } from '../audit/query.ts';
export { builtInTemplate, makeReport, templates } from '../audit/report.ts';
export { parseTemplate, type ReportTemplate } from '../audit/report-template.ts';
export { reportJson, reportText } from '../audit/report-text.ts';
export { type SignedSeal, sealHash } from '../audit/seal.ts';
export { parsePublicKey, publicKeyText } from '../audit/signer.ts';
export { checkStamps, type RecordedStamp } from '../audit/stamps.ts';
export { type PersonalReader, personalReader } from '../audit/subjects.ts';
export { eventText, verificationText } from '../audit/text.ts';
export { readTimestampReply, type Timestamp, timestampRequest } from '../audit/timestamp.ts';
export { type Verification, verifyChain } from '../audit/verify.ts';
