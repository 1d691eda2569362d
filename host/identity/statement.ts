import { BytesWriter } from './bytes.ts';

/** What a signature is for. The purpose is signed with the content, so that none passes for another. */
export type Purpose =
  | 'message'
  | 'batch'
  | 'component'
  | 'introduction'
  | 'rotation'
  | 'revocations'
  | 'keyring'
  | 'trusted-keys'
  | 'hello'
  | 'welcome'
  | 'finish';

/** A writer that has begun a statement: `motehost/PURPOSE/v1` as a text; the content follows. */
export function statement(purpose: Purpose, writer: BytesWriter = new BytesWriter()): BytesWriter {
  return writer.reset().text(`motehost/${purpose}/v1`);
}
