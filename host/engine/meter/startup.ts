import type { ConstExpr } from './const-expr.ts';
import type { CostTable } from './costs.ts';
import type { ElementSegment, ModuleParts } from './module.ts';
import { unsupported } from './refusal.ts';

/**
 * Fuel that initialising the module takes before its start function runs, by Wasmtime's rules: nothing if
 * everything can be laid out beforehand; otherwise an entry, the expressions that need code, the segments
 * that could not be laid out, and the call of the start function.
 */
export function startupFuel(parts: ModuleParts, costs: CostTable): number {
  const passive = parts.elements.filter((segment) => (segment.flags & 3) === 1);
  const complex = parts.globals.flatMap(({ init }) => (init === undefined || init.simple ? [] : [init]));
  const filled = parts.tables.filter(({ init }) => init !== undefined && !init.isNull);
  const late = lateElements(parts);
  const data = lateData(parts, costs);
  const needed =
    passive.length + complex.length + filled.length + late.length + data.length > 0 ||
    parts.start !== undefined;
  if (!needed) return 0;
  let fuel = costs.startupEntry + fuelOf(complex) + data.reduce((sum, segment) => sum + segment, 0);
  for (const segment of passive) fuel += fuelOf(segment.exprs);
  for (const { init, limits } of filled)
    fuel += fuelOf(init === undefined ? [] : [init]) + Number(limits.min) * costs.tableFillPerElement;
  for (const segment of late) fuel += elementFuel(segment, costs);
  return fuel + (parts.start === undefined ? 0 : costs.startupCall);
}

/** A module whose constants alone take more of the object heap is refused: nobody is asked before they are made. */
const startupBytesMax = 16 * 1024 * 1024;

/** Bytes of the object heap that a module's constants take when it is instantiated. */
export function startupBytes(parts: ModuleParts): number {
  const exprs = parts.elements.flatMap((segment) => segment.exprs);
  for (const { init } of [...parts.globals, ...parts.tables]) if (init !== undefined) exprs.push(init);
  const bytes = exprs.reduce((sum, { heapBytes }) => sum + heapBytes, 0);
  if (bytes > startupBytesMax)
    throw unsupported(`constants that take ${bytes} bytes of heap, more than ${startupBytesMax}`, 0);
  return bytes;
}

function fuelOf(exprs: readonly ConstExpr[]): number {
  return exprs.reduce((sum, expr) => sum + expr.fuel, 0);
}

function elementFuel(segment: ElementSegment, costs: CostTable): number {
  const offset = segment.offset?.fuel ?? 0;
  const length = segment.functions.length + segment.exprs.length;
  return offset + length * costs.tableInitPerElement + fuelOf(segment.exprs);
}

/** More elements than this are not laid out beforehand. */
const staticTableElementsMax = 1024 * 1024;

/** Active segments from the first that cannot be laid out beforehand: later ones must see its effect. */
function lateElements(parts: ModuleParts): readonly ElementSegment[] {
  const active = parts.elements.filter((segment) => segment.offset !== undefined);
  const first = active.findIndex((segment) => !isStatic(segment, parts));
  return first < 0 ? [] : active.slice(first);
}

function isStatic(segment: ElementSegment, parts: ModuleParts): boolean {
  const table = parts.tables[segment.table];
  const offset = segment.offset?.value;
  if (table === undefined || table.imported || offset === undefined) return false;
  if (segment.flags & 4 || (table.init !== undefined && !table.init.isNull)) return false;
  const top = (table.limits.index64 ? offset : offset >>> 0) + segment.functions.length;
  return top >= 0 && top <= Number(table.limits.min) && top <= staticTableElementsMax;
}

/** Fuel of each active data segment, if any of them cannot be laid out beforehand. */
function lateData(parts: ModuleParts, costs: CostTable): readonly number[] {
  const active = parts.data.filter((segment) => segment.offset !== undefined);
  const laidOut = active.every((segment) => {
    const memory = parts.memories[segment.memory];
    const offset = segment.offset?.value;
    if (memory === undefined || memory.imported || offset === undefined) return false;
    const start = memory.limits.index64 ? offset : offset >>> 0;
    return start >= 0 && start + segment.bytesLength <= Number(memory.limits.min) * 65_536;
  });
  if (laidOut) return [];
  return active.map((segment) => (segment.offset?.fuel ?? 0) + segment.bytesLength * costs.memoryInitPerByte);
}
