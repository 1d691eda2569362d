// Counts words in a Map<string, i32>, n times over the same text: string hashing, comparing, slicing, garbage.
const words: string[] = ['agent', 'bus', 'fuel', 'slice', 'grant', 'trap', 'host', 'guest', 'wake', 'table'];

function makeText(): string {
  let text = '';
  let seed: u32 = 42;
  for (let i = 0; i < 400; i++) {
    seed = seed * 1664525 + 1013904223;
    text += words[(seed >> 24) % 10] + ((seed >> 16) & 7).toString() + ' ';
  }
  return text;
}

export function run(n: i32): i32 {
  const text = makeText();
  const counts = new Map<string, i32>();
  for (let round = 0; round < n; round++) {
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      if (text.charCodeAt(at) != 32) continue;
      const word = text.substring(from, at);
      counts.set(word, counts.has(word) ? counts.get(word) + 1 : 1);
      from = at + 1;
    }
  }
  let sum = counts.size;
  const keys = counts.keys();
  for (let i = 0; i < keys.length; i++) sum = sum * 31 + counts.get(keys[i]) * keys[i].length;
  return sum;
}
