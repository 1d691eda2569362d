import { type Abi, violation } from '../abi.ts';
import type { CoreValue } from '../lift.ts';
import type { BuiltinProgram } from '../program.ts';
import type { PlannedBuiltin } from './builtin-name.ts';
import { addHandle, dropSet, dropSubtask, join } from './state.ts';
import type { Event, Tasks } from './tasks.ts';

/** What built-ins reach beside the tasks. */
export interface BuiltinStage {
  /** The memory of a built-in that has one. */
  abiOf(program: BuiltinProgram): Abi;
  /** Lifts what `task.return` got as the result of an export. */
  liftResult(name: string, core: readonly CoreValue[]): unknown;
}

type Builtin = (...core: CoreValue[]) => unknown;

/** Counted up to this, `backpressure.inc` is a mistake. */
const backpressureMax = 2 ** 16;

/** Built-ins that may give a promise, so their import must be suspending. */
export function isBlocking({ builtin }: PlannedBuiltin): boolean {
  return builtin === 'waitable-set.wait' || builtin === 'thread.yield';
}

/** Built-ins that reach beyond the instance, so that neither an allocation nor a post-return function may call them. */
export function isLeaving({ builtin }: PlannedBuiltin): boolean {
  return !builtin.startsWith('context.') && !builtin.startsWith('backpressure.');
}

/** A canonical built-in for one instance. @throws Trap `canonical-abi` for handles the guest does not hold */
export function makeBuiltin(program: BuiltinProgram, tasks: Tasks, stage: BuiltinStage): Builtin {
  const { planned } = program;
  const place = (planned.slot ?? 0) as 0 | 1;
  switch (planned.builtin) {
    case 'task.return':
      return (...core) => returnTask(planned, tasks, stage, core);
    case 'task.cancel':
      return () => {
        throw violation('it cancelled a task nobody asked it to cancel');
      };
    case 'context.get':
      return () => tasks.slots[place];
    case 'context.set':
      return (value) => {
        tasks.slots[place] = value as number;
      };
    case 'backpressure.inc':
      return () => press(tasks, 1);
    case 'backpressure.dec':
      return () => press(tasks, -1);
    case 'waitable-set.new':
      return () => addHandle(tasks.state, { kind: 'set', members: [] });
    case 'waitable-set.wait':
      return (set, pointer) => {
        const known = tasks.next(set as number);
        if (known !== undefined) return tell(stage.abiOf(program), pointer as number, known);
        return tasks
          .wait(set as number)
          .then((event) => tell(stage.abiOf(program), pointer as number, event));
      };
    case 'waitable-set.poll':
      return (set, pointer) => tell(stage.abiOf(program), pointer as number, tasks.poll(set as number));
    case 'waitable-set.drop':
      return (set) => dropSet(tasks.state, set as number);
    case 'waitable.join':
      return (handle, set) => join(tasks.state, handle as number, set as number);
    case 'subtask.cancel':
      return (handle) => tasks.cancel(handle as number, planned.async === true);
    case 'subtask.drop':
      return (handle) => dropSubtask(tasks.state, handle as number);
    case 'thread.yield':
      return async () => {
        await tasks.yield();
        return 0;
      };
  }
}

function returnTask(
  { returns = [] }: PlannedBuiltin,
  tasks: Tasks,
  stage: BuiltinStage,
  core: readonly CoreValue[],
): void {
  const { task } = tasks;
  if (task.result !== undefined) throw violation('it returned from a task twice');
  if (!returns.includes(task.export))
    throw violation(`it returned from '${task.export}' with the value of another export`);
  task.result = { value: stage.liftResult(task.export, core) };
}

function press(tasks: Tasks, by: 1 | -1): void {
  const { state } = tasks;
  state.backpressure += by;
  if (state.backpressure < 0 || state.backpressure >= backpressureMax)
    throw violation('its backpressure went out of bounds');
}

function tell(memory: Abi, pointer: number, event: Event | undefined): number {
  memory.refresh();
  const at = memory.check(pointer, 8, 4, 'event');
  memory.view.setUint32(at, event?.handle ?? 0, true);
  memory.view.setUint32(at + 4, event?.state ?? 0, true);
  return event?.code ?? 0;
}
