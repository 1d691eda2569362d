// Counts the lines, words and bytes of its standard input, like `wc`.
//
// A plain WASI program: it sees its input and output and nothing else, because nobody granted it a directory,
// an address or a variable. It holds one chunk at a time, so that a gigabyte fits into its memory limit.
//
//   host run examples/word-count < README.md
import { stdin, stdout } from "motehost:command";

let lines: u64 = 0;
let words: u64 = 0;
let bytes: u64 = 0;
let inWord = false;

export function main(): i32 {
  for (let chunk = stdin.read(); chunk !== null; chunk = stdin.read()) {
    count(chunk.dataStart, chunk.dataStart + chunk.length);
  }
  stdout.line(`${lines} lines, ${words} words, ${bytes} bytes`);
  return 0;
}

// Reads memory itself: looking up an element of an array costs more than all the rest of this loop.
function count(start: usize, end: usize): void {
  bytes += end - start;
  for (let at = start; at < end; at++) {
    const byte = load<u8>(at);
    if (byte == 10) lines++;
    const isSpace = byte == 32 || (byte >= 9 && byte <= 13);
    if (inWord == isSpace) {
      inWord = !isSpace;
      if (inWord) words++;
    }
  }
}
