import type { Linker } from '../engine/linker.ts';
import { WrappingLinker } from '../engine/wrapping-linker.ts';
import type { Recorder } from './recorder.ts';

/** What another linker offers, with everything that a program asks of it written down. */
export class RecordedLinker extends WrappingLinker {
  constructor(linker: Linker, recorder: Recorder) {
    super(linker, (importName, offered) => recorder.wrap(importName, offered));
  }
}
