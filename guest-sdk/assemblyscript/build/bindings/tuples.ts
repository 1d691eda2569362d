const sizeMin = 16;

/** The text of the classes `Tuple1` to `Tuple<sizeMax>`, at least to `Tuple16`: unused ones cost nothing. */
export function tuplesText(sizeMax: number): string {
  return Array.from({ length: Math.max(sizeMin, sizeMax) }, (_, index) => tupleText(index + 1)).join('');
}

function tupleText(size: number): string {
  const places = Array.from({ length: size }, (_, index) => index);
  const types = places.map((place) => `T${place}`).join(', ');
  const items = places.map((place) => `public item${place}: T${place}`).join(', ');
  return `/** WIT's tuple of ${size}. */\nexport class Tuple${size}<${types}> { constructor(${items}) {} }\n`;
}
