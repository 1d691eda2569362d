/**
 * First byte of each entry of a turn, in the order in which things happened:
 * - `begin`: export (text), argument (value)
 * - `call`: function (index in the last list of names), arguments (a value: a list)
 * - `value`, `error`, `fault`: what the call before it came to at once: a value; the `err` of a result; text
 * - `pending`: the call before it waits; pending calls are numbered from 0 since the life began
 * - `later`: number of a pending call, then `value`, `error` or `fault` with what it came to
 * - `end`: how the turn ended (`turn-end.ts`)
 * - `growth`: the process was asked for memory beyond what it gave before: 1 it had it, 0 it did not
 */
export const marks = {
  begin: 1,
  call: 2,
  value: 3,
  error: 4,
  fault: 5,
  pending: 6,
  later: 7,
  end: 8,
  growth: 9,
} as const;

/**
 * First byte of each record of a history; the name of its agent follows (text), then
 * - `life`: facts (value); an instance began from nowhere
 * - `names`: `functions` that the turns after it name by index, which functions of WIT are `suspending`, and whether
 *   calls that wait are counted from 0 again (`isFresh`; a value)
 * - `turn`: entries as in `marks`
 * - `cut`: why a turn was not recorded (text); what came after it in its life cannot be run again
 * - `over`: the instance is gone
 * - `back`: the instance is gone, and another goes on with its state from before the last turn
 * - `gap`: the disk took nothing for a while; the name is empty, for it is everybody's
 */
export const records = { life: 1, names: 2, turn: 3, cut: 4, over: 5, gap: 6, back: 7 } as const;
