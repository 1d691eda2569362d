import type { BlockSeal, FileSeal } from '../../block-seal.ts';
import type { HistorySeal } from '../../history/block.ts';

/** What seals blocks of histories, each for its number in its file: a file is read, or written, to its end before another. */
export function historySeal(store: BlockSeal): HistorySeal {
  let held: { readonly name: string; readonly seal: FileSeal } | undefined;
  const sealOf = (name: string): FileSeal => {
    if (held?.name !== name) held = { name, seal: store.file(name) };
    return held.seal;
  };
  return {
    takesUnsealed: store.takesUnsealed,
    seal: (content, file, number) => sealOf(file).seal(Number(number), content),
    open: (sealed, file, number) => sealOf(file).open(Number(number), sealed),
  };
}
