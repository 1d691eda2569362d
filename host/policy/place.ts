/** What is wrong with a policy, and where a person finds it. */
export interface PolicyFault {
  readonly file: string;
  /** From 1 on; 0 for what is wrong with a whole file or folder. */
  readonly line: number;
  /** From 1 on, in characters. */
  readonly column: number;
  readonly message: string;
  /** How to mend it, where that is known. */
  readonly hint: string | undefined;
}

/** Where the character at `offset` is. */
export function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

/** A fault at a character of a file. */
export function faultAt(
  file: string,
  text: string,
  offset: number,
  message: string,
  hint?: string,
): PolicyFault {
  return { file, ...placeOf(text, offset), message, hint };
}

/** A fault of a file as a whole. */
export function faultOf(file: string, message: string, hint?: string): PolicyFault {
  return { file, line: 0, column: 0, message, hint };
}

/** `orders.cedar:3:7: unknown annotation …; did you mean …` */
export function faultText({ file, line, column, message, hint }: PolicyFault): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return `${place}: ${message}${hint === undefined ? '' : `; ${hint}`}`;
}
