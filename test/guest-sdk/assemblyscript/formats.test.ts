import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Instance } from '../../../host/engine/instance.ts';
import { onFastLane } from '../../support/lanes.ts';
import { writtenAgent } from '../../support/written-agent.ts';

async function run(source: string, wit: string): Promise<{ instance: Instance; bytes: Uint8Array }> {
  const { bytes } = await writtenAgent(source, { wit, release: true });
  return { instance: await onFastLane(bytes), bytes };
}

describe('JSON', () => {
  const source = `
    import { JSON, isJson } from "motehost:json";
    @json
    class Order { id: u64 = 0; who: string = ""; items: string[] = []; price: f64 = 0; }
    export function raise(text: string): string {
      if (!isJson(text)) return "not JSON";
      const order = JSON.parse<Order>(text);
      order.price *= 2;
      order.items.push("bag");
      return JSON.stringify<Order>(order);
    }`;
  const wit = 'package a:b; world w { export raise: func(text: string) -> string; }';

  test('goes in and out of classes', async () => {
    const { instance, bytes } = await run(source, wit);
    const text = '{"price": 1.25, "who":"Zoë \\"Z\\" 🌍","id":18446744073709551615,"items":["a","b"]}';
    const answer = String(await instance.call('raise', [text]));
    assert.equal(
      answer,
      '{"id":18446744073709551615,"who":"Zoë \\"Z\\" 🌍","items":["a","b","bag"],"price":2.5}',
    );
    for (const broken of ['', '{', '{"id":1', 'nul', '{"id":1}}', '["a",]'])
      assert.equal(await instance.call('raise', [broken]), 'not JSON', broken);
    assert.deepEqual((await run(source, wit)).bytes, bytes, 'the same source gives the same bytes');
    assert.doesNotMatch(
      Buffer.from(bytes).toString('latin1'),
      /node_modules|\.\.\//,
      'no path of the machine is in it',
    );
  });
});

describe('MessagePack', () => {
  const source = `
    import { MsgPackReader, MsgPackType, MsgPackWriter } from "motehost:msgpack";
    export function write(): Uint8Array {
      const writer = new MsgPackWriter();
      writer.map(3).text("ints").array(13);
      const ints: i64[] = [0, 127, 128, 255, 256, 65535, 65536, 4294967296, -1, -32, -33, -129, -40000];
      for (let i = 0; i < ints.length; i++) writer.int(ints[i]);
      writer.text("more").array(7).nil().bool(true).float(-1.5).int(i64.MIN_VALUE).uint(u64.MAX_VALUE);
      writer.text("ä".repeat(20)).binary(new Uint8Array(300));
      writer.text("x".repeat(40000)).array(20);
      for (let i = 0; i < 20; i++) writer.bool(false);
      return writer.bytes;
    }
    function show(reader: MsgPackReader): string {
      const type = reader.type;
      if (type == MsgPackType.int) return reader.int().toString();
      if (type == MsgPackType.float) return reader.float().toString();
      if (type == MsgPackType.text) return '"' + reader.text() + '"';
      if (type == MsgPackType.bool) return reader.bool().toString();
      if (type == MsgPackType.binary) return reader.binary().length.toString() + " bytes";
      if (type == MsgPackType.nil) { reader.nil(); return "nil"; }
      if (type == MsgPackType.array) { let text = "["; for (let n = reader.array(); n > 0; n--) text += show(reader) + " "; return text + "]"; }
      if (type == MsgPackType.map) { let text = "{"; for (let n = reader.map(); n > 0; n--) text += show(reader) + "=" + show(reader) + " "; return text + "}"; }
      reader.skip();
      return "?";
    }
    export function read(bytes: Uint8Array): string {
      const reader = new MsgPackReader(bytes);
      const text = show(reader);
      return reader.failed ? "failed" : text;
    }
    export function skip(bytes: Uint8Array): string {
      const reader = new MsgPackReader(bytes);
      reader.skip();
      return reader.failed ? "failed" : reader.type == MsgPackType.end ? "end" : "more";
    }`;
  const wit =
    'package a:b; world w { export write: func() -> list<u8>; export read: func(b: list<u8>) -> string; export skip: func(b: list<u8>) -> string; }';
  let agent: Instance;
  const read = async (...bytes: number[]): Promise<unknown> => agent.call('read', [new Uint8Array(bytes)]);

  before(async () => {
    agent = (await run(source, wit)).instance;
  });

  test('reads what it writes, every width', async () => {
    const written = await agent.call('write', []);
    const [, head, tail] = /^(.{1,400}?)"x+"=(.*)$/.exec(String(await agent.call('read', [written]))) ?? [];
    assert.equal(
      head,
      `{"ints"=[0 127 128 255 256 65535 65536 4294967296 -1 -32 -33 -129 -40000 ] "more"=[nil true -1.5 -9223372036854775808 -1 "${'ä'.repeat(20)}" 300 bytes ] `,
    );
    assert.equal(tail, `[${'false '.repeat(20)}] }`);
    assert.equal(await agent.call('skip', [written]), 'end');
  });

  test('reads what others write', async () => {
    assert.equal(
      await read(0x83, 0xa1, 0x61, 0xca, 0x3f, 0xc0, 0, 0, 0xa1, 0x62, 0xc0, 0xa1, 0x63, 0xd9, 1, 0x7a),
      '{"a"=1.5 "b"=nil "c"="z" }',
    );
    assert.equal(await read(0xdd, 0, 0, 0, 2, 0xdc, 0, 0, 0xdb, 0, 0, 0, 1, 0x41), '[[] "A" ]');
    assert.equal(await read(0xc6, 0, 0, 0, 2, 9, 9), '2 bytes');
  });

  test('bytes that end too early or lie about their length fail, and take no memory', async () => {
    for (const bytes of [
      [],
      [0xa5, 0x61],
      [0xdb, 0xff, 0xff, 0xff, 0xff, 1],
      [0xc6, 0x7f, 0xff, 0xff, 0xff],
      [0xcf, 1],
      [0xc1],
      [0xd9],
    ])
      assert.equal(await read(...bytes), 'failed', String(bytes));
    assert.equal(await agent.call('skip', [new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff])]), 'failed');
  });
});
