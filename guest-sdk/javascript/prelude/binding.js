import { Conversions, WrongValue } from './conversion.js';
import { ExportedCall } from './exported-call.js';
import { importedCall } from './imported-call.js';

/** Where a program's object keeps the engine's one for an imported resource. */
const rawHandle = Symbol('handle');

/** The world's functions for the program, and the program's for the world. */
export class Binding {
  #world;
  /** What lifts and lowers a resource, by its index in the world's types. */
  #resources = {};
  #conversions;

  /** @param world `types`, `imports` and `exports` as `world-data.ts` writes them */
  constructor(world) {
    this.#world = world;
    this.#conversions = new Conversions(world.types, this.#resources);
    for (const [name, { functions, resources }] of Object.entries(world.imports))
      for (const [index, className] of resources)
        this.#resources[index] = this.#importedResource(name, className, membersOf(functions, index));
  }

  /** The functions and classes of an imported interface, over the engine's. */
  interface(name, raw) {
    const { functions, resources } = this.#world.imports[name];
    const bound = {};
    for (const each of plainOf(functions))
      bound[each.key] = importedCall(this.#conversions, each, (args) => raw[each.key](...args));
    for (const [index, className] of resources) {
      const { Class, link } = this.#resources[index];
      link(raw);
      bound[className] = Class;
    }
    return bound;
  }

  /** A class for an imported resource: the program's objects keep the engine's and call them. */
  #importedResource(interfaceName, className, members) {
    let RawClass;
    const Class = importedClass(className);
    for (const each of members) {
      const isStatic = each.kind === 'static';
      const holder = isStatic ? Class : Class.prototype;
      const key = each.kind === 'constructor' ? construct : each.key;
      // Made at the first use: conversions may need resources that come later.
      const call = lazy(() =>
        importedCall(this.#conversions, each, (args, self) => {
          if (key === construct) return new RawClass(...args);
          return (isStatic ? RawClass : self[rawHandle])[key](...args);
        }),
      );
      define(holder, key, function (...args) {
        return call().apply(this, args);
      });
    }
    const lift = (raw) => Object.assign(Object.create(Class.prototype), { [rawHandle]: raw });
    const lower = (value) => {
      if (value instanceof Class) return value[rawHandle];
      throw new WrongValue(`a ${className} of ${interfaceName}`, value);
    };
    const link = (raw) => {
      RawClass = raw[className];
    };
    return { Class, link, liftOwn: lift, liftBorrow: lift, lowerOwn: lower, lowerBorrow: lower };
  }

  /**
   * What the component exports, from what the program's entry file exports.
   * @throws MissingExport for the first thing that is not there or not what it should be
   */
  exports(program) {
    const { functions, interfaces } = this.#world.exports;
    const out = {};
    for (const each of functions)
      out[each.key] = this.#exportedFunction(each, required(program, each.key, each.key));
    for (const { key, functions: members, resources } of interfaces) {
      const holder = program[key];
      if (typeof holder !== 'object' || holder === null) throw new MissingExport(key, holder);
      out[key] = this.#exportedInterface(key, holder, members, resources);
    }
    return out;
  }

  #exportedInterface(key, holder, members, resources) {
    const out = {};
    for (const [index, className] of resources) {
      const path = `${key}.${className}`;
      const Class = required(holder, className, path);
      out[className] = this.#exportedClass(Class, path, membersOf(members, index));
      this.#resources[index] = exportedResource(Class, out[className], className);
    }
    for (const each of plainOf(members)) {
      const call = required(holder, each.key, `${key}.${each.key}`);
      out[each.key] = this.#exportedFunction(each, call.bind(holder));
    }
    return out;
  }

  /** The engine's class for one of the program's: each of its objects stands for one handle. */
  #exportedClass(Class, path, members) {
    const own = members.find(({ kind }) => kind === 'constructor');
    const make = lazy(() => new ExportedCall(this.#conversions, own, (_, args) => new Class(...args)));
    const RawClass = class {
      constructor(...raw) {
        this.value = make().run(undefined, raw);
      }
    };
    for (const each of members) {
      if (each.kind === 'constructor') continue;
      const isStatic = each.kind === 'static';
      const [holder, rawHolder] = isStatic ? [Class, RawClass] : [Class.prototype, RawClass.prototype];
      required(holder, each.key, `${path}${isStatic ? '' : '.prototype'}.${each.key}`);
      const call = lazy(
        () => new ExportedCall(this.#conversions, each, (self, args) => self[each.key](...args)),
      );
      define(rawHolder, each.key, function (...raw) {
        return call().run(isStatic ? Class : this.value, raw);
      });
    }
    return RawClass;
  }

  #exportedFunction(each, call) {
    const made = lazy(() => new ExportedCall(this.#conversions, each, (_, args) => call(...args)));
    return (...raw) => made().run(undefined, raw);
  }
}

const construct = Symbol('construct');

function importedClass(className) {
  const Class = class {
    constructor(...args) {
      const make = this[construct];
      if (make === undefined) throw new TypeError(`${className} has no constructor`);
      this[rawHandle] = make.apply(this, args)[rawHandle];
    }

    [Symbol.dispose]() {
      this[rawHandle][Symbol.dispose]();
    }
  };
  Object.defineProperty(Class, 'name', { value: className });
  return Class;
}

/** Each handle is an object of its own, so that one object of the program can be given away more than once. */
function exportedResource(Class, RawClass, className) {
  const lift = (raw) => raw.value;
  const lower = (value) => {
    if (!(value instanceof Class)) throw new WrongValue(`a ${className}`, value);
    return Object.assign(Object.create(RawClass.prototype), { value });
  };
  return { liftOwn: lift, liftBorrow: lift, lowerOwn: lower, lowerBorrow: lower };
}

const plainOf = (functions) => functions.filter(({ kind }) => kind === 'function');
const membersOf = (functions, index) => functions.filter(({ resource }) => resource === index);

function define(holder, key, value) {
  Object.defineProperty(holder, key, { value, writable: true, configurable: true });
}

function lazy(make) {
  let made;
  return () => {
    made ??= make();
    return made;
  };
}

/** @throws MissingExport when it is no function */
export function required(holder, key, path) {
  const found = holder[key];
  if (typeof found !== 'function') throw new MissingExport(path, found);
  return found;
}

/** Read by the builder, which knows what should be there. */
class MissingExport extends Error {
  constructor(path, value) {
    const found = value === undefined ? undefined : value === null ? 'null' : typeof value;
    super(`motehost-export ${JSON.stringify({ path, found })}`);
  }
}
