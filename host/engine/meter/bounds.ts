/**
 * What a module may hold. V8 has bounds of its own, many of them higher; these keep reading and rewriting one
 * module within some hundred MiB and some seconds, whatever its bytes are.
 */
export const bounds = {
  moduleBytesMax: 268_435_456,
  /** V8's optimizing compiler takes some 400 bytes for each of these; the largest of known programs has 180,000. */
  bodyBytesMax: 2_000_000,
  /** V8's own bound, for what a body becomes. */
  meteredBodyBytesMax: 7_654_321,
  /**
   * Of one function: the optimizing compiler may follow each path from one condition into the next, and then
   * takes memory by the square of their number until the process ends: 7 GB for 5,000. The largest of known
   * programs (SpiderMonkey's interpreter) has 5,065.
   */
  conditionsMax: 6_000,
  /** Of all rewritten bodies together. */
  codeBytesMax: 805_306_368,
  /** In one function: V8's own bound. */
  localsMax: 50_000,
  /** In one function: some 10 ns and 14 bytes each while V8 compiles it, and nothing else runs. Known programs stay under 300,000. */
  localsTimesConstructsMax: 4_000_000,
  customSectionsMax: 10_000,
  /** V8 holds the types of all modules of a process in one table of 2,000,000, which it never empties; when it is full, the process ends. */
  typesMax: 30_000,
  /** V8 takes 1,000,000; the rewriter may add as many as there are. */
  functionsMax: 400_000,
  importsMax: 100_000,
  exportsMax: 100_000,
  globalsMax: 100_000,
  tagsMax: 10_000,
  tablesMax: 10_000,
  /** Each takes 8 GiB of a process's address space, which has room for 16,000. */
  memoriesMax: 16,
  dataSegmentsMax: 100_000,
  elementSegmentsMax: 100_000,
  /** Of all segments together. */
  elementsMax: 2_000_000,
  /** Initial values of globals, tables and elements. */
  constantsMax: 200_000,
  /** Of all constants together, and of one. */
  constantOperatorsMax: 2_000_000,
  operatorsPerConstantMax: 100_000,
  /** Hints beyond this are left out: they change nothing but speed. */
  hintBytesMax: 4_194_304,
} as const;
