import { bounds } from './bounds.ts';
import { ControlStack, construct, type Frame } from './control.ts';
import { bulkPrice, plainCosts, prefixedExtra } from './costs.ts';
import {
  arrayBulk,
  gcImmediates,
  immediate,
  immediates,
  legacyExceptions,
  skipMemoryArgument,
  skipVectorImmediates,
  twoIndices,
} from './opcodes.ts';
import { Partings } from './partings.ts';
import { loopForm, Plan, patch } from './plan.ts';
import { Reader } from './reader.ts';
import { malformed, unknownOperator, unsupported } from './refusal.ts';
import { relaxedMin } from './relaxed.ts';
import { planSubstitute } from './substitutes.ts';
import { readHeapType, readValueType } from './types.ts';
import type { ModuleView } from './view.ts';

/** A constant length up to this is charged with its block, without a test of its own. */
const foldedUnitsMax = 4096;

/** Reads one function body and plans its patches. One object serves all bodies of a module. */
export class Analyzer {
  readonly plan: Plan = new Plan();
  readonly #view: ModuleView;
  readonly #stack = new ControlStack();
  readonly #partings = new Partings();
  readonly #operatorCosts: Uint8Array;
  readonly #catchCost: number;
  #reader: Reader;
  /** The site that pays for what comes next; -1 in unreachable code. */
  #site = -1;
  #operator = 0;
  /** The function being read. */
  #index = 0;
  /** Where the last constant ended and its value: a length known at once. */
  #constantEnd = -1;
  #constant = 0;
  readonly #caughtSerials = new Set<number>();
  #rescan = false;
  #sawTryTable = false;

  /** Where the code starts, after the local declarations. */
  codeStart = 0;
  /** Where the declared locals' groups start, and how many groups there are. */
  groupsStart = 0;
  groups = 0;
  /** Parameters and declared locals together. */
  locals = 0;
  loops = 0;
  /** Calls that may change the counter, and exception operators. */
  calls = 0;
  /** Direct calls of every kind, reachable or not. */
  directCalls = 0;
  /** How many `unreachable`. */
  traps = 0;
  /** Bulk and growing operations. */
  bulks = 0;
  operators = 0;
  /** `if` and every branch that may not be taken, reachable or not. */
  conditions = 0;

  constructor(view: ModuleView) {
    this.#view = view;
    this.#reader = new Reader(view.bytes, 0, 0);
    this.#operatorCosts = plainCosts(view.costs);
    // Paid by the handler, not by the body before it.
    this.#catchCost = this.#operatorCosts[0x07] as number;
    this.#operatorCosts[0x07] = 0;
    this.#operatorCosts[0x19] = 0;
  }

  /** Plans the body at [start, end) of function `index`. */
  analyze(index: number, start: number, end: number): void {
    this.#caughtSerials.clear();
    this.#rescan = false;
    this.#index = index;
    this.#scan(index, start, end);
    if (!this.#sawTryTable) return;
    this.#rescan = true;
    this.#scan(index, start, end);
  }

  #scan(index: number, start: number, end: number): void {
    this.#reset(start, end);
    this.#readLocals(this.#view.functionParams(index));
    this.codeStart = this.#reader.pos;
    const frame = this.#stack.push(construct.function, 0, start);
    frame.caught = this.#rescan && this.#caughtSerials.has(0);
    this.#site = this.plan.add(patch.entry, this.codeStart, this.codeStart, 0);
    this.#pay(this.#view.costs.functionEntry);
    this.#readCode();
    this.#reader.finish('a function body');
    if (this.#stack.opened * this.locals > bounds.localsTimesConstructsMax)
      throw unsupported('a function with too many locals for its many blocks', start);
    if (this.conditions > bounds.conditionsMax)
      throw unsupported(`a function with more than ${bounds.conditionsMax} conditional branches`, start);
  }

  #reset(start: number, end: number): void {
    this.#reader = new Reader(this.#view.bytes, start, end);
    this.#reader.typeCount = this.#view.typeCount;
    this.plan.clear();
    this.#stack.clear();
    this.#partings.clear();
    this.#constantEnd = -1;
    this.#sawTryTable = false;
    this.loops = 0;
    this.calls = 0;
    this.bulks = 0;
    this.directCalls = 0;
    this.traps = 0;
    this.operators = 0;
    this.conditions = 0;
  }

  #readLocals(params: number): void {
    const reader = this.#reader;
    this.groups = reader.count();
    this.groupsStart = reader.pos;
    let locals = params;
    for (let group = 0; group < this.groups; group += 1) {
      locals += reader.u32();
      if (locals > bounds.localsMax) throw malformed('too many locals', reader.pos);
      readValueType(reader);
    }
    this.locals = locals;
  }

  #pay(cost: number): void {
    if (this.#site >= 0) this.plan.pay(this.#site, cost);
  }

  /** The hot loop: plain operators here, everything that moves control or names an index in `#special`. */
  #readCode(): void {
    const { bytes, end } = this.#reader;
    const reader = this.#reader;
    const costs = this.#operatorCosts;
    let pos = reader.pos;
    let paid = 0;
    let operators = 0;
    while (this.#stack.depth > 0) {
      if (pos >= end) throw malformed('a function body without its end', end);
      const opcode = bytes[pos++] as number;
      operators += 1;
      paid += costs[opcode] as number;
      switch (immediates[opcode]) {
        case immediate.none:
          break;
        case immediate.leb:
          while ((bytes[pos++] as number) >= 0x80);
          break;
        case immediate.local: {
          let index = bytes[pos++] as number;
          if (index >= 0x80) {
            reader.pos = pos - 1;
            index = reader.u32();
            pos = reader.pos;
          }
          if (index >= this.locals) throw malformed('an unknown local', pos);
          break;
        }
        case immediate.memory:
          pos = skipMemoryArgument(bytes, pos);
          break;
        case immediate.constant:
          reader.pos = pos;
          this.#readConstant(opcode);
          pos = reader.pos;
          break;
        case immediate.bytes4:
          pos += 4;
          break;
        case immediate.bytes8:
          pos += 8;
          break;
        default:
          reader.pos = pos;
          if (pos > end) throw malformed('a function body without its end', end);
          this.#operator = pos - 1;
          this.#pay(paid);
          paid = 0;
          this.#special(opcode);
          pos = reader.pos;
      }
    }
    this.operators = operators;
  }

  #readConstant(opcode: number): void {
    const value = this.#reader.signed(opcode === 0x41 ? 32 : 64);
    this.#constant = opcode === 0x41 ? value >>> 0 : value;
    this.#constantEnd = this.#reader.pos;
  }

  #special(opcode: number): void {
    if (opcode <= 0x1f) this.#control(opcode);
    else if (opcode === 0x23 || opcode === 0x24) this.#global();
    else if (opcode === 0x25 || opcode === 0x26) this.#table(opcode);
    else if (opcode === 0x40) this.#growMemory();
    else if (opcode === 0xd0) readHeapType(this.#reader);
    else if (opcode === 0xd2) this.#refFunc();
    else if (opcode === 0xd5 || opcode === 0xd6) this.#branchIf();
    else if (opcode === 0xfb) this.#gc();
    else if (opcode === 0xfc) this.#misc();
    else if (opcode === 0xfd) this.#vector();
    else throw unknownOperator(opcode, this.#operator);
  }

  #control(opcode: number): void {
    switch (opcode) {
      case 0x00:
        this.#unreachable();
        break;
      case 0x02:
        this.#block();
        break;
      case 0x03:
        this.#loop();
        break;
      case 0x04:
        this.#if();
        break;
      case 0x05:
        this.#else();
        break;
      case 0x0b:
        this.#end();
        break;
      case 0x0c:
        this.#branch();
        break;
      case 0x0d:
        this.#branchIf();
        break;
      case 0x0e:
        this.#branchTable();
        break;
      case 0x0f:
        this.#return();
        break;
      case 0x10:
        this.#call();
        break;
      case 0x12:
        this.#tailCall();
        break;
      case 0x11:
      case 0x14:
        this.#callIndirect(opcode);
        break;
      case 0x13:
      case 0x15:
        this.#tailCallIndirect(opcode);
        break;
      case 0x1c:
        this.#typedSelect();
        break;
      default:
        this.#exception(opcode);
    }
  }

  #exception(opcode: number): void {
    if (opcode !== 0x08 && opcode !== 0x0a && opcode !== 0x1f && !legacyExceptions.has(opcode))
      throw unknownOperator(opcode, this.#operator);
    this.#view.feature(legacyExceptions.has(opcode) ? 'legacy-exceptions' : 'exceptions');
    this.calls += 1;
    this.#complicate();
    if (opcode === 0x08 || opcode === 0x09 || opcode === 0x0a) this.#throw(opcode);
    else if (opcode === 0x1f) this.#tryTable();
    else if (opcode === 0x06) this.#try();
    else if (opcode === 0x18) this.#delegate();
    else this.#catch(opcode);
  }

  // --- sites

  /** Code after this point runs under other conditions than before: it pays at a site of its own. */
  #newSite(kind: number = patch.charge): void {
    this.#site = this.plan.add(kind, this.#reader.pos, this.#reader.pos, 0);
  }

  #spill(): void {
    if (this.#site >= 0) this.plan.add(patch.spill, this.#operator, this.#operator, 0);
  }

  /** The innermost loop around holds something that keeps V8 from treating it as simple. */
  #complicate(): void {
    const { innerLoop } = this.#stack.top;
    if (innerLoop >= 0) this.#stack.at(innerLoop).simple = false;
  }

  // --- constructs

  /** Reads a block type; says whether the construct takes parameters. */
  #blockType(): boolean {
    const reader = this.#reader;
    const at = reader.pos;
    const first = reader.peek();
    if (first === 0x40) {
      reader.byte();
      return false;
    }
    if (first > 0x40 && first < 0x80) {
      readValueType(reader);
      return false;
    }
    const type = reader.signed(33);
    if (type < 0 || type >= this.#view.typeCount) throw malformed('an unknown block type', at);
    return this.#view.paramCount(type) > 0;
  }

  #push(kind: number): Frame {
    const frame = this.#stack.push(kind, this.#site, this.#operator);
    frame.caught = this.#rescan && this.#caughtSerials.has(frame.serial);
    return frame;
  }

  #block(): void {
    this.#blockType();
    this.#push(construct.block);
  }

  #loop(): void {
    const start = this.#operator;
    this.loops += 1;
    this.#complicate();
    const takesParams = this.#blockType();
    const frame = this.#push(construct.loop);
    if (this.#site < 0) return;
    if (frame.caught) this.#spill();
    frame.loop = this.plan.add(patch.loop, start, this.#reader.pos, 0);
    frame.simple = !takesParams && !frame.caught;
    this.#site = frame.loop;
    if (frame.caught) this.plan.args[frame.loop] = loopForm.reloading;
  }

  #if(): void {
    this.conditions += 1;
    this.#blockType();
    const frame = this.#push(construct.if);
    if (this.#site < 0) return;
    frame.parting = this.#partings.open(this.#site);
    this.#partings.await(frame.parting);
    this.#newSite();
    this.#partings.way(frame.parting, this.#site);
  }

  #else(): void {
    const frame = this.#stack.top;
    if (frame.kind !== construct.if) throw malformed('else without if', this.#operator);
    this.#fallThrough(frame);
    frame.kind = construct.else;
    this.#site = frame.site;
    if (this.#site < 0) return;
    this.#newSite();
    this.#partings.settle(frame.parting, this.#site);
  }

  /** Control reaches the end of an arm: notes it, and stores the counter if the label is an exception's target. */
  #fallThrough(frame: Frame): void {
    if (this.#site < 0) return;
    frame.fallsThrough = true;
    if (frame.caught) this.#spill();
  }

  #end(): void {
    const { kind } = this.#stack.top;
    if (kind === construct.function) this.#endFunction();
    else if (kind === construct.loop) this.#endLoop();
    else this.#endBlock(this.#stack.top);
  }

  #endBlock(frame: Frame): void {
    const continues = this.#site >= 0;
    this.#fallThrough(frame);
    const armless = frame.kind === construct.if && frame.site >= 0;
    this.#stack.pop();
    const sites = this.plan.count;
    this.#endLabel(frame, continues, armless);
    if (!continues && this.plan.count > sites) this.#partings.settle(frame.reachedBy, this.#site);
  }

  #endLabel(frame: Frame, continues: boolean, armless: boolean): void {
    const joined = frame.kind === construct.block || frame.kind === construct.tryTable;
    if (!(frame.targeted || frame.fallsThrough || armless)) this.#site = -1;
    else if (frame.caught) this.#newSite(patch.reload);
    else if (joined && !frame.targeted) this.#site = continues ? this.#site : -1;
    else this.#join(frame);
  }

  /** After a construct that nothing escapes from, control is where it was when the construct began. */
  #join(frame: Frame): void {
    if (frame.escape >= this.#stack.depth && frame.kind < construct.try) this.#site = frame.site;
    else this.#newSite();
  }

  #endFunction(): void {
    this.#spill();
    this.#stack.pop();
    this.#site = -1;
    this.#partings.move(this.plan.costs);
  }

  #endLoop(): void {
    const continues = this.#site >= 0;
    const frame = this.#stack.pop();
    if (frame.loop < 0) return;
    if (frame.simple) {
      this.plan.args[frame.loop] = loopForm.wrapped;
      this.plan.add(patch.loopEnd, this.#reader.pos, this.#reader.pos, frame.loop);
    }
    if (continues && frame.escape >= this.#stack.depth) this.#site = frame.site;
  }

  // --- branches

  /** Resolves a label; notes that it is a target, of which parting (-1: of none), and what the branch escapes from. */
  #target(depth: number, parting = -1): Frame {
    const index = this.#stack.depth - 1 - depth;
    if (index < 0) throw malformed('a branch to an unknown label', this.#operator);
    const frame = this.#stack.at(index);
    if (this.#site >= 0) {
      frame.targeted = true;
      this.#stack.escapeTo(index);
      this.#partings.arrive(frame, parting);
    }
    return frame;
  }

  /** Reads a label and plans its depth's correction. */
  #label(parting = -1): Frame {
    const reader = this.#reader;
    const start = reader.pos;
    const depth = reader.u32();
    const { innerLoop } = this.#stack.top;
    const index = this.#stack.depth - 1 - depth;
    const frame = this.#target(depth, parting);
    if (innerLoop > index && this.#stack.at(innerLoop).loop >= 0) {
      const branch = this.plan.add(patch.branch, start, reader.pos, this.#stack.at(innerLoop).loop);
      this.plan.costs[branch] = depth;
    }
    return frame;
  }

  /** The label a branch goes to, looked at before its patch is planned. */
  #peekLabel(parting = -1): Frame {
    const reader = this.#reader;
    const start = reader.pos;
    const frame = this.#target(reader.u32(), parting);
    reader.pos = start;
    return frame;
  }

  /** Leaving by this label, the cell must be right: it ends the function or is an exception's target. */
  #spillFor(frame: Frame): void {
    if (frame.kind === construct.function || frame.caught) this.#spill();
  }

  #branch(): void {
    this.#spillFor(this.#peekLabel());
    this.#label();
    this.#site = -1;
  }

  #branchIf(): void {
    this.conditions += 1;
    const parting = this.#partings.open(this.#site);
    this.#spillFor(this.#peekLabel(parting));
    this.#label(parting);
    this.#fallOn(parting);
  }

  /** The way on after a branch that was not taken. */
  #fallOn(parting: number): void {
    if (this.#site < 0) return;
    this.#newSite();
    this.#partings.way(parting, this.#site);
  }

  #branchTable(): void {
    const reader = this.#reader;
    const start = reader.pos;
    const count = reader.count();
    const parting = this.#partings.open(this.#site);
    let spills = false;
    for (let index = 0; index <= count; index += 1) {
      const frame = this.#target(reader.u32(), parting);
      if (frame.kind === construct.function || frame.caught) spills = true;
    }
    if (spills) this.#spill();
    reader.pos = start;
    reader.count();
    for (let index = 0; index <= count; index += 1) this.#label(parting);
    this.#site = -1;
  }

  /** The guest ends here on purpose: what it used until now must not be lost with the counter's local. */
  #unreachable(): void {
    this.traps += 1;
    this.#spill();
    this.#site = -1;
  }

  #return(): void {
    this.#spill();
    if (this.#site >= 0) this.#stack.escapeTo(0);
    this.#site = -1;
  }

  #throw(opcode: number): void {
    if (opcode === 0x08) {
      const tag = this.#reader.u32();
      if (tag >= this.#view.tagCount) throw malformed('an unknown tag', this.#operator);
      this.#allocate(this.#view.exceptionBytes(tag));
    } else if (opcode === 0x09) this.#reader.u32();
    this.#spill();
    if (this.#site >= 0) this.#stack.escapeTo(-1);
    this.#site = -1;
  }

  // --- calls

  #functionIndex(): number {
    const index = this.#reader.u32();
    if (index >= this.#view.functionCount) throw malformed('an unknown function', this.#operator);
    this.directCalls += 1;
    return index;
  }

  #call(): void {
    const start = this.#reader.pos;
    const index = this.#functionIndex();
    const callee = this.#view.callee(index);
    this.#pay(this.#view.calleeFuel(index));
    if (this.#site < 0 || this.#view.prepaid(index)) {
      this.#complicate();
      this.plan.add(patch.index, start, this.#reader.pos, callee);
    } else {
      if (index === this.#index) this.plan.untested(this.#site);
      this.#afterCall(callee);
    }
  }

  #callIndirect(opcode: number): void {
    this.#callType(opcode);
    if (this.#site >= 0) this.#afterCall(-1);
  }

  #callType(opcode: number): void {
    const type = this.#reader.u32();
    if (type >= this.#view.typeCount) throw malformed('an unknown type', this.#operator);
    if (opcode === 0x11 || opcode === 0x13) this.#reader.u32();
    else this.#view.feature('function-references');
  }

  /** The callee may charge, and may not come back: what follows pays after the call. */
  #afterCall(callee: number): void {
    this.calls += 1;
    this.#complicate();
    this.#site = this.plan.add(patch.call, this.#operator, this.#reader.pos, callee);
    this.#stack.escapeTo(-1);
  }

  #tailCall(): void {
    const start = this.#reader.pos;
    const index = this.#functionIndex();
    const callee = this.#view.callee(index);
    this.#pay(this.#view.calleeFuel(index));
    if (this.#site < 0) this.plan.add(patch.index, start, this.#reader.pos, callee);
    else this.#afterTailCall(callee);
  }

  #tailCallIndirect(opcode: number): void {
    this.#callType(opcode);
    if (this.#site >= 0) this.#afterTailCall(-1);
  }

  #afterTailCall(callee: number): void {
    this.calls += 1;
    this.#view.feature('tail-calls');
    this.#complicate();
    this.plan.add(patch.tailCall, this.#operator, this.#reader.pos, callee);
    this.#stack.escapeTo(-1);
    this.#site = -1;
  }

  // --- exceptions

  #try(): void {
    this.#blockType();
    this.#push(construct.try);
  }

  #catch(opcode: number): void {
    const frame = this.#stack.top;
    if (frame.kind !== construct.try && frame.kind !== construct.catch)
      throw malformed('catch without try', this.#operator);
    if (opcode === 0x07) this.#reader.u32();
    this.#fallThrough(frame);
    frame.kind = construct.catch;
    this.#site = frame.site;
    if (this.#site < 0) return;
    this.#newSite(patch.reload);
    this.#pay(this.#catchCost);
  }

  #delegate(): void {
    const frame = this.#stack.top;
    if (frame.kind !== construct.try) throw malformed('delegate without try', this.#operator);
    const continues = this.#site >= 0;
    this.#fallThrough(frame);
    this.#stack.pop();
    const label = this.#reader.u32();
    if (label >= this.#stack.depth) throw malformed('a delegate to an unknown label', this.#operator);
    if (frame.targeted) this.#newSite();
    else if (!continues) this.#site = -1;
  }

  #tryTable(): void {
    this.#sawTryTable = true;
    const reader = this.#reader;
    this.#blockType();
    const clauses = reader.count();
    for (let clause = 0; clause < clauses; clause += 1) {
      const kind = reader.byte();
      if (kind > 3) throw malformed('an unknown catch clause', reader.pos - 1);
      if (kind < 2) reader.u32();
      const frame = this.#target(reader.u32());
      this.#caughtSerials.add(frame.serial);
    }
    this.#push(construct.tryTable);
  }

  // --- operators that name an index

  #global(): void {
    const start = this.#reader.pos;
    const index = this.#reader.u32();
    if (index >= this.#view.globalCount) throw malformed('an unknown global', start);
    const renumbered = this.#view.globalIndex(index);
    if (renumbered !== index) this.plan.add(patch.index, start, this.#reader.pos, renumbered);
  }

  #table(opcode: number): void {
    this.#reader.u32();
    if (opcode === 0x26) this.#view.unsaved('it changes a table');
  }

  #refFunc(): void {
    const start = this.#reader.pos;
    const index = this.#functionIndex();
    this.plan.add(patch.index, start, this.#reader.pos, this.#view.reference(index));
  }

  #typedSelect(): void {
    const count = this.#reader.count();
    for (let index = 0; index < count; index += 1) readValueType(this.#reader);
  }

  // --- operators with a length

  /** Charges by the length on top of the stack: with the block if it is a small constant, else by a helper just before. */
  #bulk(perUnit: number, wide: boolean, lengthEnd: number): void {
    this.#view.feature('bulk-memory');
    if (this.#site < 0 || perUnit === 0) return;
    const constant = this.#constantEnd === lengthEnd ? this.#constant : -1;
    if (constant >= 0 && constant <= foldedUnitsMax) {
      this.#pay(constant * perUnit);
      return;
    }
    this.#charged();
    this.plan.add(patch.bulk, this.#operator, this.#operator, this.#view.chargeHelper(perUnit, wide));
  }

  #charged(): void {
    this.bulks += 1;
    this.#complicate();
  }

  #growMemory(): void {
    const memory = this.#reader.u32();
    if (memory >= this.#view.memoryCount) throw malformed('an unknown memory', this.#operator);
    this.#grow(this.#view.growMemoryHelper(memory));
  }

  #grow(helper: number): void {
    if (this.#site < 0) return;
    this.#charged();
    this.plan.add(patch.replace, this.#operator, this.#reader.pos, helper);
  }

  #misc(): void {
    const lengthEnd = this.#operator;
    const code = this.#reader.u32();
    this.#pay(prefixedExtra(this.#view.costs, 0xfc, code));
    if (code <= 7) return;
    if (code > 17) this.#substitute(0xfc, code);
    else this.#bulkOperator(code, lengthEnd);
  }

  #bulkOperator(code: number, lengthEnd: number): void {
    const first = this.#reader.u32();
    const second = twoIndices.has(code) ? this.#reader.u32() : first;
    if (code <= 11) this.#memoryBulk(code, first, second, lengthEnd);
    else this.#tableBulk(code, first, second, lengthEnd);
  }

  #substitute(prefix: 0xfc | 0xfd, code: number): void {
    planSubstitute(this.plan, this.#view, [this.#operator, this.#reader.pos], prefix, code);
  }

  #memoryBulk(code: number, first: number, second: number, lengthEnd: number): void {
    const view = this.#view;
    const wide = code !== 8 && view.memory64(first) && view.memory64(second);
    if (code === 9) view.unsaved('it drops segments');
    else this.#bulk(bulkPrice(view.costs, code), wide, lengthEnd);
  }

  #tableBulk(code: number, first: number, second: number, lengthEnd: number): void {
    const view = this.#view;
    const wide = code !== 12 && view.table64(first) && view.table64(second);
    if (code === 16) return;
    view.unsaved(code === 13 ? 'it drops segments' : 'it changes a table');
    if (code === 15) this.#growTable(first);
    else if (code !== 13) this.#bulk(bulkPrice(view.costs, code), wide, lengthEnd);
  }

  #growTable(table: number): void {
    if (table >= this.#view.tableCount) throw malformed('an unknown table', this.#operator);
    this.#grow(this.#view.growTableHelper(table));
  }

  // --- prefixed operators

  #vector(): void {
    this.#view.feature('simd');
    const reader = this.#reader;
    const code = reader.u32();
    this.#pay(prefixedExtra(this.#view.costs, 0xfd, code));
    if (code >= relaxedMin) this.#substitute(0xfd, code);
    else skipVectorImmediates(reader, code);
  }

  #gc(): void {
    this.#view.feature('gc');
    const lengthEnd = this.#operator;
    const code = this.#reader.u32();
    const layout = gcImmediates[code];
    if (layout === undefined) throw unsupported(`GC operator ${code}`, this.#operator);
    this.#pay(prefixedExtra(this.#view.costs, 0xfb, code));
    if (layout === -2) this.#branchOnCast();
    else if (layout === -1) readHeapType(this.#reader);
    const first = layout > 0 ? this.#reader.u32() : 0;
    let last = first;
    for (let index = 1; index < layout; index += 1) last = this.#reader.u32();
    if (layout > 0 && code <= 10) this.#allocateObject(code, first, last, lengthEnd);
    if (arrayBulk.has(code)) this.#bulk(this.#view.costs.arrayPerElement, false, lengthEnd);
  }

  /** struct.new, struct.new_default, and the array.new family; the others below 11 only read and write. */
  #allocateObject(code: number, type: number, count: number, lengthEnd: number): void {
    const view = this.#view;
    if (code > 1 && code < 6) return;
    if (type >= view.typeCount) throw malformed('an unknown type', this.#operator);
    if (code <= 1) this.#allocate(view.structBytes(type));
    else if (code === 8) this.#allocate(view.arrayBytes(type, count));
    else if (this.#constantEnd === lengthEnd) this.#allocate(view.arrayBytes(type, this.#constant));
    else if (this.#site >= 0) {
      this.#charged();
      this.plan.add(patch.bulk, this.#operator, this.#operator, view.allocateArrayHelper(type));
    }
  }

  /** Counts heap before an operation that takes it. */
  #allocate(bytes: number): void {
    if (this.#site < 0) return;
    this.#charged();
    const at = this.plan.add(patch.allocate, this.#operator, this.#operator, this.#view.allocateHelper());
    this.plan.costs[at] = bytes;
  }

  #branchOnCast(): void {
    this.conditions += 1;
    if (this.#reader.byte() > 3) throw malformed('unknown cast flags', this.#reader.pos - 1);
    const parting = this.#partings.open(this.#site);
    this.#spillFor(this.#peekLabel(parting));
    this.#label(parting);
    readHeapType(this.#reader);
    readHeapType(this.#reader);
    this.#fallOn(parting);
  }
}
