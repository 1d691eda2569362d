/**
 * Runs core functions that take and give nothing on stacks that can be suspended. Making such a function `promising`
 * costs more than it does itself; so one function that is made so once calls whichever it is given.
 *
 * ```wat
 * (type $core (func))
 * (func (export "run") (param (ref $core)) (call_ref $core (local.get 0)))
 * (func (export "fits") (param (ref $core)))
 * ```
 */
const moduleBase64 = 'AGFzbQEAAAABCQJgAABgAWQAAAMDAgEBBw4CA3J1bgAABGZpdHMAAQoLAgYAIAAUAAsCAAs=';
/** `(module (func (export "f")))` */
const nothingBase64 = 'AGFzbQEAAAABBAFgAAADAgEABwUBAWYAAAoEAQIACw==';
/** V8 remembers whom a place in the code has called, and so keeps their memories, until there are more than four. */
const nothings = 8;

interface Beginning {
  readonly run: (core: WebAssembly.ExportedFunction) => Promise<void>;
  readonly fits: (core: WebAssembly.ExportedFunction) => void;
}

let made: Beginning | undefined;

function moduleOf(base64: string): WebAssembly.Module {
  return new WebAssembly.Module(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}

function make(): Beginning {
  const { run, fits } = new WebAssembly.Instance(moduleOf(moduleBase64)).exports;
  const beginning = {
    run: WebAssembly.promising(run as WebAssembly.ExportedFunction),
    fits: fits as WebAssembly.ExportedFunction,
  };
  const nothing = moduleOf(nothingBase64);
  for (let count = 0; count < nothings; count += 1)
    void beginning.run(new WebAssembly.Instance(nothing).exports.f as WebAssembly.ExportedFunction);
  return beginning;
}

/** Calls a function `() -> ()`, which may be suspended. @throws what ended it, as a rejection */
export function begin(core: WebAssembly.ExportedFunction): Promise<void> {
  made ??= make();
  try {
    made.fits(core);
  } catch {
    // Its type is one of its own although it looks the same.
    return WebAssembly.promising(core)();
  }
  return made.run(core);
}
