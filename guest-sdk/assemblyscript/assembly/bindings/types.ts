import {
  give, giveLowered, liftBytes, liftOptionBytes, liftOptionString, liftString, lowerBytes, lowerString, newList, setItem, take,
} from "../abi/memory";
import { Box } from "../result";

/** One named value beside a body. */
export class Header {
  constructor(public name: string, public value: string) {}
}

/** What an agent hands over to be sent. */
export class Payload {
  constructor(public contentType: string | null, public headers: Header[], public body: Uint8Array) {}
}

/** A message as its receiver sees it. */
export class Message {
  constructor(
    /** Equal for every delivery of the same message. */
    public id: string,
    public subject: string,
    /** The sending agent's name, null from outside. */
    public sender: string | null,
    /** Where an answer goes; null: nobody waits. */
    public replyTo: string | null,
    /** Nanoseconds since the Unix epoch. */
    public sentAtNs: u64,
    /** Nobody needs the answer after this; nanoseconds since the Unix epoch. */
    public deadlineNs: Box<u64> | null,
    /** 1 for the first delivery. */
    public attempt: u32,
    public contentType: string | null,
    public headers: Header[],
    public body: Uint8Array,
  ) {}
}

/** A failure of the agent's own kind. */
export class CustomFailure {
  constructor(
    /** A stable word programs compare. */
    public code: string,
    public message: string,
    public detail: Uint8Array | null = null,
  ) {}
}

export enum FailureTag { invalid, denied, unsupported, unavailable, timedOut, custom, other }

/** Why a message was not dealt with. */
export class Failure {
  /** The message makes no sense to this agent; repeating it will not help. */
  static invalid(text: string): Failure { return new Failure(FailureTag.invalid, text, null); }
  /** This sender may not ask this. */
  static denied(text: string): Failure { return new Failure(FailureTag.denied, text, null); }
  /** The agent does not do what was asked. */
  static unsupported(text: string): Failure { return new Failure(FailureTag.unsupported, text, null); }
  /** It did not work now and may work later: the host delivers the message again. */
  static unavailable(text: string): Failure { return new Failure(FailureTag.unavailable, text, null); }
  /** It took too long. */
  static timedOut(text: string): Failure { return new Failure(FailureTag.timedOut, text, null); }
  /** A failure with a code of the agent's own. */
  static custom(failure: CustomFailure): Failure {
    return new Failure(FailureTag.custom, failure.message, failure);
  }
  /** Anything else. */
  static other(text: string): Failure { return new Failure(FailureTag.other, text, null); }

  constructor(
    readonly tag: FailureTag,
    /** For people, in every case. */
    readonly text: string,
    private customFailure: CustomFailure | null,
  ) {}

  /** @internal For the glue, which has looked at the tag. */
  unwrapCustom(): CustomFailure {
    return changetype<CustomFailure>(this.customFailure);
  }

  /** What `custom` carries; asking another case for it ends the instance. */
  get asCustom(): CustomFailure {
    return this.customFailure!;
  }
}

const headerBytes: usize = 16;

export function liftHeaders(at: usize): Header[] {
  const count = load<i32>(at, 4);
  const headers = newList<Header>(count);
  if (count == 0) return headers;
  const first = load<usize>(at);
  for (let i = 0; i < count; i++) {
    const header = first + <usize>i * headerBytes;
    setItem<Header>(headers, i, new Header(liftString(header), liftString(header + 8)));
  }
  give(first);
  return headers;
}

/** Headers as an import takes them: a raw array that points into the strings. Give it back after the call. */
export function lowerHeaders(headers: Header[]): usize {
  const count = headers.length;
  if (count == 0) return 8;
  const first = take(<usize>count * headerBytes);
  for (let i = 0; i < count; i++) {
    const header = headers[i];
    const at = first + <usize>i * headerBytes;
    store<usize>(at, changetype<usize>(header.name));
    store<i32>(at, header.name.length, 4);
    store<usize>(at, changetype<usize>(header.value), 8);
    store<i32>(at, header.value.length, 12);
  }
  return first;
}

export function liftMessage(at: usize): Message {
  return new Message(
    liftString(at),
    liftString(at + 8),
    liftOptionString(at + 16),
    liftOptionString(at + 28),
    load<u64>(at, 40),
    load<u8>(at, 48) == 0 ? null : new Box<u64>(load<u64>(at, 56)),
    load<u32>(at, 64),
    liftOptionString(at + 68),
    liftHeaders(at + 80),
    liftBytes(at + 88),
  );
}

export function liftPayload(at: usize): Payload {
  return new Payload(liftOptionString(at), liftHeaders(at + 12), liftBytes(at + 20));
}

export function liftFailure(at: usize): Failure {
  const tag = <FailureTag>load<u8>(at);
  if (tag != FailureTag.custom) return new Failure(tag, liftString(at + 4), null);
  return Failure.custom(new CustomFailure(liftString(at + 4), liftString(at + 12), liftOptionBytes(at + 20)));
}

export function lowerFailure(failure: Failure, at: usize): void {
  store<u8>(at, <u8>failure.tag);
  if (failure.tag != FailureTag.custom) return lowerString(failure.text, at + 4);
  const custom = failure.unwrapCustom();
  lowerString(custom.code, at + 4);
  lowerString(custom.message, at + 12);
  const detail = custom.detail;
  store<u8>(at, detail == null ? 0 : 1, 20);
  if (detail != null) lowerBytes(detail, at + 24);
}

export function giveFailure(at: usize): void {
  giveLowered(at + 4);
  if (load<u8>(at) != <u8>FailureTag.custom) return;
  giveLowered(at + 12);
  if (load<u8>(at, 20) != 0) giveLowered(at + 24);
}
