import { at, Conversions, WrongValue } from './conversion.js';
import { crash } from './crash.js';
import { CallError } from './failure.js';
import { requireStarted, state } from './state.js';

/** Where a program's object keeps the engine's one for an imported resource. */
const rawHandle = Symbol('handle');

/** The world's functions for the program, and the program's for the world. */
export class Binding {
  #world;
  #resources = {};
  #conversions;

  /** @param world `types`, `imports` and `exports` as `world-data.ts` writes them */
  constructor(world) {
    this.#world = world;
    this.#conversions = new Conversions(world.types, this.#resources);
    for (const [name, { functions, resources }] of Object.entries(world.imports))
      for (const [index, className] of resources)
        this.#resources[index] = this.#importedResource(name, className, index, functions);
  }

  /** The functions and classes of an imported interface, over the engine's. */
  interface(name, raw) {
    const { functions, resources } = this.#world.imports[name];
    const bound = {};
    for (const each of functions) {
      if (each.kind === 'function')
        bound[each.key] = this.#importedCall(each, (args) => raw[each.key](...args));
    }
    for (const [index, className] of resources) {
      const { Class, link } = this.#resources[index];
      link(raw);
      bound[className] = Class;
    }
    return bound;
  }

  #importedCall({ label, type }, call) {
    const lowers = type.params.map((param) => this.#conversions.lower(param.type));
    const result = this.#conversions.definition(type.result);
    const isResult = result?.kind === 'result';
    const lift = this.#liftOf(isResult ? result.ok : type.result);
    const liftError = this.#liftOf(isResult ? result.err : undefined);
    const lowerAll = (args) =>
      lowers.map((lower, index) => at(`${label}, ${type.params[index].key}`, lower, args[index]));
    return function (...args) {
      requireStarted(label);
      const lowered = lowerAll(args);
      let raw;
      try {
        raw = call(lowered, this);
      } catch (error) {
        if (!isResult || !Object.hasOwn(error, 'payload')) throw error;
        throw new CallError(label, liftError(error.payload));
      }
      return lift(raw);
    };
  }

  #liftOf(ref) {
    return ref === undefined ? () => undefined : this.#conversions.lift(ref);
  }

  /** A class for an imported resource: the program's objects keep the engine's and call them. */
  #importedResource(interfaceName, className, index, functions) {
    const members = functions.filter((each) => each.resource === index);
    const own = members.find(({ kind }) => kind === 'constructor');
    let RawClass;
    const construct = own && this.#lazy(() => this.#importedCall(own, (args) => new RawClass(...args)));
    const Class = class {
      constructor(...args) {
        if (construct === undefined) throw new TypeError(`${className} has no constructor`);
        this[rawHandle] = construct()(...args)[rawHandle];
      }

      [Symbol.dispose]() {
        this[rawHandle][Symbol.dispose]();
      }
    };
    Object.defineProperty(Class, 'name', { value: className });
    for (const each of members) {
      if (each.kind === 'constructor') continue;
      const isStatic = each.kind === 'static';
      const call = this.#lazy(() =>
        this.#importedCall(each, (args, self) => (isStatic ? RawClass : self[rawHandle])[each.key](...args)),
      );
      const holder = isStatic ? Class : Class.prototype;
      Object.defineProperty(holder, each.key, {
        value(...args) {
          return call().apply(this, args);
        },
        writable: true,
        configurable: true,
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

  /** Made at the first use: conversions may need resources that come later. */
  #lazy(make) {
    let made;
    return () => (made ??= make());
  }

  /**
   * What the component exports, from what the program's entry file exports.
   * @throws MissingExport for the first thing that is not there or not what it should be
   */
  exports(program) {
    const { functions, interfaces } = this.#world.exports;
    const out = {};
    for (const each of functions)
      out[each.key] = this.#exportedCall(each, required(program, each.key, each.key));
    for (const { key, functions: members, resources } of interfaces) {
      const holder = program[key];
      if (holder === undefined || holder === null || typeof holder !== 'object')
        throw new MissingExport(key, holder);
      out[key] = this.#exportedInterface(key, holder, members, resources);
    }
    return out;
  }

  #exportedInterface(key, holder, members, resources) {
    const out = {};
    for (const [index, className] of resources) {
      const Class = required(holder, className, `${key}.${className}`);
      const raw = this.#exportedClass(
        Class,
        className,
        members.filter(({ resource }) => resource === index),
        key,
      );
      this.#resources[index] = raw.resource;
      out[className] = raw.RawClass;
    }
    for (const each of members)
      if (each.kind === 'function')
        out[each.key] = this.#exportedCall(
          each,
          required(holder, each.key, `${key}.${each.key}`).bind(holder),
        );
    return out;
  }

  /** The engine's class for one of the program's: each raw object stands for one handle. */
  #exportedClass(Class, className, members, key) {
    const construct = members.find(({ kind }) => kind === 'constructor');
    const make =
      construct &&
      this.#lazy(() =>
        this.#exportedCall({ ...construct, isConstructor: true }, (...args) => new Class(...args)),
      );
    class RawClass {
      constructor(...raw) {
        this.value = make()(...raw);
      }
    }
    const toRaw = (value) => {
      if (!(value instanceof Class)) throw new WrongValue(`a ${className}`, value);
      const raw = Object.create(RawClass.prototype);
      raw.value = value;
      return raw;
    };
    for (const each of members) {
      if (each.kind === 'constructor') continue;
      const isStatic = each.kind === 'static';
      if (isStatic) required(Class, each.key, `${key}.${className}.${each.key}`);
      else required(Class.prototype, each.key, `${key}.${className}.prototype.${each.key}`);
      const call = this.#lazy(() =>
        this.#exportedCall(each, (self, ...args) => (isStatic ? Class : self)[each.key](...args), true),
      );
      const holder = isStatic ? RawClass : RawClass.prototype;
      holder[each.key] = function (...raw) {
        return call()(isStatic ? undefined : this.value, ...raw);
      };
    }
    const lift = (raw) => raw.value;
    return { RawClass, resource: { liftOwn: lift, liftBorrow: lift, lowerOwn: toRaw, lowerBorrow: toRaw } };
  }

  /** @param hasSelf whether the raw call's first argument is passed on as it is */
  #exportedCall({ label, type, isConstructor }, call, hasSelf = false) {
    const lifts = type.params.map((param) => this.#conversions.lift(param.type));
    const result = isConstructor ? undefined : this.#conversions.definition(type.result);
    const isResult = result?.kind === 'result';
    const okType = isResult ? result.ok : type.result;
    const lower = isConstructor
      ? (value) => value
      : okType === undefined
        ? () => undefined
        : this.#conversions.lower(okType);
    const errors = isResult
      ? {
          type: result.err,
          lower: result.err === undefined ? () => undefined : this.#conversions.lower(result.err),
        }
      : undefined;
    const errorIsText = errors?.type === 'string';
    return (...raw) => {
      state.started = true;
      let returned;
      try {
        const self = hasSelf ? [raw.shift()] : [];
        returned = call(...self, ...raw.map((value, index) => lifts[index](value)));
      } catch (thrown) {
        throw payloadOf(thrown, errors) ?? crash(label, thrown, errorIsText);
      }
      try {
        if (typeof returned?.then === 'function')
          throw new TypeError(
            'it returned a promise; imports answer at once, so nothing needs to be awaited',
          );
        return at('the returned value', lower, returned);
      } catch (error) {
        return crash(label, error, errorIsText);
      }
    };
  }
}

/** What the engine makes an `err` of, or undefined when what was thrown is none of the world's errors. */
function payloadOf(thrown, errors) {
  if (errors === undefined || thrown instanceof CallError) return undefined;
  if (errors.type === undefined) return thrown === undefined ? { payload: undefined } : undefined;
  const isError = thrown instanceof Error;
  if (isError && errors.type !== 'string' && typeof thrown.tag !== 'string') return undefined;
  try {
    return { payload: errors.lower(isError && errors.type === 'string' ? thrown.message : thrown) };
  } catch {
    return undefined;
  }
}

function required(holder, key, path) {
  const found = holder[key];
  if (typeof found !== 'function') throw new MissingExport(path, found);
  return found;
}

/** Read by the builder, which knows what should be there. */
class MissingExport extends Error {
  constructor(path, found) {
    super(
      `motehost-export ${JSON.stringify({ path, found: found === undefined ? undefined : found === null ? 'null' : typeof found })}`,
    );
  }
}
