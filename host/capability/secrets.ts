import { fs } from '../builtin.ts';
import { HostError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { systemFault } from '../system-fault.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface SecretsOptions {
  /** A TOML file of `handle = "value"` lines that only its owner can read; undefined: none. */
  readonly file: string | undefined;
  /** Where `HOST_SECRET_…` variables are. */
  readonly env: Environment;
}

const othersMask = 0o077;
const fileBytesMax = 1024 * 1024;
const valueCharsMax = 65_536;
const handlePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const variablePrefix = 'HOST_SECRET_';

/**
 * Secrets by their handles. Manifests name handles; values are here alone, and leave by `value` only: printing this
 * object or an error of it shows none.
 */
export class Secrets {
  readonly #file: string | undefined;
  readonly #env: Environment;
  readonly #values: ReadonlyMap<string, string>;

  private constructor(options: SecretsOptions, values: ReadonlyMap<string, string>) {
    this.#file = options.file;
    this.#env = options.env;
    this.#values = values;
  }

  /**
   * @throws HostError `HOST_ERR_FILE_NOT_FOUND`; `HOST_ERR_CONFIG_INVALID` for a file that others can read or that
   * holds anything but texts, which is never quoted
   */
  static async open(options: SecretsOptions): Promise<Secrets> {
    const { file } = options;
    return new Secrets(options, file === undefined ? new Map() : await readSecrets(file));
  }

  has(handle: string): boolean {
    return this.#find(handle) !== undefined;
  }

  /**
   * The value, from the file, else from the environment.
   * @param wanting what asks for it: `agents/billing/agent.toml: environment.KEY`
   * @throws HostError `HOST_ERR_SECRET_UNKNOWN` naming the handle and the places
   */
  value(handle: string, wanting: string): string {
    const value = this.#find(handle);
    if (value !== undefined) return value;
    const variable = variableOf(handle);
    const places = this.#file === undefined ? variable : `${this.#file} and ${variable}`;
    const cure =
      this.#file === undefined
        ? `set ${variable}, or start with --secrets FILE`
        : `add ${handle} = "…" to ${this.#file}`;
    throw new HostError(
      'HOST_ERR_SECRET_UNKNOWN',
      `${wanting}: no secret '${handle}' in ${places}${nearest(handle, [...this.#values.keys()])}; ${cure}`,
      { handle, wanting },
    );
  }

  #find(handle: string): string | undefined {
    if (!handlePattern.test(handle)) return undefined;
    return this.#values.get(handle) ?? this.#env[variableOf(handle)];
  }
}

/** `stripe-key` is looked for as `HOST_SECRET_STRIPE_KEY`; handles that differ in case or `.`, `-`, `_` alone share one. */
function variableOf(handle: string): string {
  return variablePrefix + handle.replace(/[.-]/g, '_').toUpperCase();
}

async function readSecrets(file: string): Promise<ReadonlyMap<string, string>> {
  const text = readPrivate(file);
  const { parse, TomlError } = await import('smol-toml');
  let table: Record<string, unknown>;
  try {
    table = parse(text);
  } catch (error) {
    // The parser's message shows the line, and with it a secret.
    const place = error instanceof TomlError ? `:${error.line}:${error.column}` : '';
    throw invalid(file, `${file}${place}: not a line of the form handle = "value"`);
  }
  return new Map(Object.entries(table).map(([handle, value]) => [handle, checked(file, handle, value)]));
}

function checked(file: string, handle: string, value: unknown): string {
  if (!handlePattern.test(handle))
    throw invalid(file, `${file}: a handle has letters, digits, dots, dashes and underlines, at most 128`);
  const isGood = typeof value === 'string' && value !== '' && !value.includes('\0');
  if (!isGood) throw invalid(file, `${file}: ${handle} must be a text in quotes, not empty, without zeros`);
  if (value.length > valueCharsMax)
    throw invalid(file, `${file}: ${handle} has more than ${valueCharsMax} characters`);
  return value;
}

/** Checks the file that was opened, not its name: that could be another's a moment later. */
function readPrivate(file: string): string {
  const fd = openSecrets(file);
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw invalid(file, `${file} is not a file`);
    if ((stat.mode & othersMask) !== 0)
      throw invalid(file, `${file} can be read or written by others; chmod 600 ${file}`);
    if (stat.size > fileBytesMax) throw invalid(file, `${file} has more than ${fileBytesMax} bytes`);
    return fs.readFileSync(fd, 'utf8');
  } finally {
    fs.closeSync(fd);
  }
}

function openSecrets(file: string): number {
  try {
    // A pipe would be waited for otherwise.
    return fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (cause) {
    throw new HostError(
      'HOST_ERR_FILE_NOT_FOUND',
      `cannot read the secrets in ${file}: ${systemFault(cause)}; it is a TOML file of handle = "value" lines, mode 600`,
      { path: file },
      cause,
    );
  }
}

function invalid(path: string, why: string): HostError {
  return new HostError('HOST_ERR_CONFIG_INVALID', why, { path });
}
