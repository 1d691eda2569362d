/**
 * Between the values the engine hands over ("raw") and those a program sees. `lift` makes the program's value of
 * a raw one, `lower` the other way round and checks: the engine ends the instance on a value of the wrong type.
 *
 * Programs see: u64 and s64 as BigInt, lists of numbers as typed arrays, `none` as undefined, an option of an
 * option as `{tag: 'none' | 'some', val}`, results and variants as `{tag, val}`, enums as strings, flags as
 * objects of booleans, records and flags with camelCase names.
 */
export class Conversions {
  #types;
  #resources;
  #lifts = new Map();
  #lowers = new Map();

  /** @param resources what `liftOwn`, `lowerOwn`, `liftBorrow`, `lowerBorrow` a resource, by its index in `types` */
  constructor(types, resources) {
    this.#types = types;
    this.#resources = resources;
  }

  definition(ref) {
    return typeof ref === 'number' ? this.#types[ref] : undefined;
  }

  lift(ref) {
    return this.#of(ref, this.#lifts, plainLifts, (def) => this.#makeLift(def));
  }

  lower(ref) {
    return this.#of(ref, this.#lowers, plainLowers, (def) => this.#makeLower(def));
  }

  #of(ref, known, plain, make) {
    if (typeof ref === 'string') return plain[ref];
    let made = known.get(ref);
    if (made === undefined) known.set(ref, (made = make(this.#types[ref])));
    return made;
  }

  #isOption(ref) {
    return this.definition(ref)?.kind === 'option';
  }

  /** Whether undefined is a value of the type. */
  #isNullable(ref) {
    let depth = 0;
    for (let at = ref; this.#isOption(at); at = this.#types[at].type) depth += 1;
    return depth % 2 === 1;
  }

  #makeLift(def) {
    switch (def.kind) {
      case 'record':
        return liftFields(def.fields.map(({ key, type }) => [key, this.lift(type)]));
      case 'tuple': {
        const lifts = def.types.map((type) => this.lift(type));
        return (raw) => raw.map((value, index) => lifts[index](value));
      }
      case 'list': {
        const Typed = def.length === undefined ? typedArrays[def.element] : undefined;
        const lift = this.lift(def.element);
        if (Typed === undefined) return lift === same ? same : (raw) => raw.map((value) => lift(value));
        return (raw) => (raw instanceof Typed ? raw : Typed.from(raw, lift));
      }
      case 'map':
        return this.#liftMap(this.lift(def.key), this.lift(def.value));
      case 'option':
        return this.#liftOption(def.type);
      case 'result':
        return liftCases({ ok: this.#part(def.ok, 'lift'), err: this.#part(def.err, 'lift') });
      case 'variant':
        return liftCases(
          Object.fromEntries(def.cases.map(({ name, type }) => [name, this.#part(type, 'lift')])),
        );
      case 'own':
        return (raw) => this.#resources[def.resource].liftOwn(raw);
      case 'borrow':
        return (raw) => this.#resources[def.resource].liftBorrow(raw);
      default:
        return same;
    }
  }

  #part(ref, direction) {
    return ref === undefined ? undefined : this[direction](ref);
  }

  #liftMap(key, value) {
    return (raw) => new Map(Array.from(raw, ([k, v]) => [key(k), value(v)]));
  }

  #liftOption(inner) {
    const lift = this.lift(inner);
    const isTagged = this.#isNullable(inner);
    const liftSome = isTagged ? (raw) => ({ tag: 'some', val: lift(raw) }) : lift;
    const none = isTagged ? () => ({ tag: 'none' }) : () => undefined;
    // The engine tags every option of an option.
    if (this.#isOption(inner)) return (raw) => (raw.tag === 'some' ? liftSome(raw.val) : none());
    return (raw) => (raw === null ? none() : liftSome(raw));
  }

  #makeLower(def) {
    switch (def.kind) {
      case 'record':
        return lowerFields(def.fields.map(({ key, type }) => [key, this.lower(type)]));
      case 'tuple': {
        const lowers = def.types.map((type) => this.lower(type));
        return (value) => {
          if (!Array.isArray(value) || value.length !== lowers.length)
            throw wrong(`an array of ${lowers.length}`, value);
          return lowers.map((lower, index) => at(`[${index}]`, lower, value[index]));
        };
      }
      case 'list':
        return this.#lowerList(def);
      case 'map':
        return this.#lowerMap(this.lower(def.key), this.lower(def.value));
      case 'option':
        return this.#lowerOption(def.type);
      case 'result':
        return lowerCases({ ok: this.#part(def.ok, 'lower'), err: this.#part(def.err, 'lower') });
      case 'variant':
        return lowerCases(
          Object.fromEntries(def.cases.map(({ name, type }) => [name, this.#part(type, 'lower')])),
        );
      case 'enum': {
        const names = new Set(def.names);
        return (value) => {
          if (names.has(value)) return value;
          throw wrong(`one of ${quoted(def.names)}`, value);
        };
      }
      case 'flags':
        return lowerFlags(def.keys);
      case 'own':
        return (value) => this.#resources[def.resource].lowerOwn(value);
      case 'borrow':
        return (value) => this.#resources[def.resource].lowerBorrow(value);
      default:
        throw new Error(`bug: nothing is made of ${def.kind}`);
    }
  }

  #lowerList({ element, length }) {
    const lower = this.lower(element);
    const Typed = length === undefined ? typedArrays[element] : undefined;
    const items = (value) => value.map((item, index) => at(`[${index}]`, lower, item));
    if (Typed === undefined)
      return (value) => {
        if (!Array.isArray(value) || (length !== undefined && value.length !== length))
          throw wrong(length === undefined ? 'an array' : `an array of ${length}`, value);
        return items(value);
      };
    return (value) => {
      // A view may be on a part of its buffer; the engine would take the buffer from its beginning.
      if (value instanceof Typed) return value.byteLength === value.buffer.byteLength ? value : value.slice();
      if (!Array.isArray(value)) throw wrong(`a ${Typed.name}`, value);
      items(value);
      return Typed.from(value);
    };
  }

  #lowerMap(key, value) {
    return (map) => {
      if (!(map instanceof Map)) throw wrong('a Map', map);
      return new Map(Array.from(map, ([k, v]) => [at('key', key, k), at(`[${shown(k)}]`, value, v)]));
    };
  }

  #lowerOption(inner) {
    const lower = this.lower(inner);
    const some = this.#isOption(inner) ? (value) => ({ tag: 'some', val: lower(value) }) : lower;
    const none = this.#isOption(inner) ? () => ({ tag: 'none' }) : () => null;
    if (!this.#isNullable(inner))
      return (value) => (value === undefined || value === null ? none() : some(value));
    return (value) => {
      if (value?.tag === 'none') return none();
      if (value?.tag === 'some') return at('val', some, value.val);
      throw wrong("{tag: 'none'} or {tag: 'some', val}", value);
    };
  }
}

const same = (value) => value;

/** A value that does not fit its type; `path` is where it is in the whole. */
export class WrongValue extends TypeError {
  constructor(expected, value, path = '') {
    super(`${path === '' ? '' : `${path}: `}expected ${expected}, got ${shown(value)}`);
    this.expected = expected;
    this.value = value;
    this.path = path;
  }
}

const wrong = (expected, value) => new WrongValue(expected, value);

/** Converts a part of a value, and tells where it was if it is wrong. */
export function at(step, convert, value) {
  try {
    return convert(value);
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error;
    const rest = error.path === '' || error.path.startsWith('[') ? error.path : `.${error.path}`;
    throw new WrongValue(error.expected, error.value, step + rest);
  }
}

function shown(value) {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `the function ${value.name || '(without a name)'}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return `an object ${value.constructor?.name ?? ''}`.trim();
}

const quoted = (names) => names.map((name) => `'${name}'`).join(', ');

const typedArrays = {
  u8: Uint8Array,
  s8: Int8Array,
  u16: Uint16Array,
  s16: Int16Array,
  u32: Uint32Array,
  s32: Int32Array,
  u64: BigUint64Array,
  s64: BigInt64Array,
  f32: Float32Array,
  f64: Float64Array,
};

const plainLifts = {
  bool: same,
  u8: same,
  s8: same,
  u16: same,
  s16: same,
  // The engine gives 32 bits with a sign.
  u32: (bits) => bits >>> 0,
  s32: same,
  u64: (digits) => BigInt(`0x${digits}`),
  s64: (digits) => BigInt.asIntN(64, BigInt(`0x${digits}`)),
  f32: same,
  f64: same,
  char: same,
  string: same,
};

const integer = (min, max, convert) => (value) => {
  if (Number.isInteger(value) && value >= min && value <= max) return convert(value);
  throw wrong(`a whole number from ${min} to ${max}`, value);
};

const bigInteger = (min, max) => (value) => {
  if (typeof value === 'bigint' && value >= min && value <= max)
    return BigInt.asUintN(64, value).toString(16).padStart(16, '0');
  throw wrong(`a BigInt (such as 5n) from ${min} to ${max}`, value);
};

const ofType = (name) => (value) => {
  if (typeof value === name) return value;
  throw wrong(`a ${name}`, value);
};

const plainLowers = {
  bool: ofType('boolean'),
  u8: integer(0, 0xff, same),
  s8: integer(-0x80, 0x7f, same),
  u16: integer(0, 0xffff, same),
  s16: integer(-0x8000, 0x7fff, same),
  u32: integer(0, 0xffffffff, (value) => value | 0),
  s32: integer(-0x80000000, 0x7fffffff, same),
  u64: bigInteger(0n, 2n ** 64n - 1n),
  s64: bigInteger(-(2n ** 63n), 2n ** 63n - 1n),
  f32: ofType('number'),
  f64: ofType('number'),
  char: (value) => {
    if (typeof value === 'string' && value.isWellFormed() && [...value].length === 1) return value;
    throw wrong('one character', value);
  },
  string: (value) => {
    if (typeof value === 'string') return value.toWellFormed();
    throw wrong('a string', value);
  },
};

function liftFields(fields) {
  return (raw) => {
    const value = {};
    for (const [key, lift] of fields) value[key] = lift(raw[key]);
    return value;
  };
}

function lowerFields(fields) {
  return (value) => {
    if (typeof value !== 'object' || value === null)
      throw wrong(`an object with ${quoted(fields.map(([key]) => key))}`, value);
    const raw = {};
    for (const [key, lower] of fields) raw[key] = at(key, lower, value[key]);
    return raw;
  };
}

function liftCases(lifts) {
  return ({ tag, val }) => (lifts[tag] === undefined ? { tag } : { tag, val: lifts[tag](val) });
}

function lowerCases(lowers) {
  const names = Object.keys(lowers);
  return (value) => {
    const tag = value?.tag;
    if (!names.includes(tag))
      throw wrong(`{tag} with one of ${quoted(names)}`, tag === undefined ? value : tag);
    const lower = lowers[tag];
    return lower === undefined ? { tag } : { tag, val: at('val', lower, value.val) };
  };
}

function lowerFlags(keys) {
  return (value) => {
    if (typeof value !== 'object' || value === null)
      throw wrong(`an object of booleans (${keys.join(', ')})`, value);
    return Object.fromEntries(keys.map((key) => [key, value[key] === true]));
  };
}
