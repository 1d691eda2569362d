import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery } from '../../host/bus/delivery.ts';
import { Mailbox, MailboxStock } from '../../host/bus/mailbox.ts';
import { Buses, outside, replyText, text } from '../support/buses.ts';

function delivery(id: string): Delivery {
  const message = {
    id,
    subject: 's',
    sender: undefined,
    replyTo: undefined,
    sentAtNs: 0n,
    deadlineNs: undefined,
    attempt: 1,
    contentType: undefined,
    headers: [],
    body: new Uint8Array(0),
  };
  return new Delivery(message, 1, 0, 'at-most-once', 0, 0, 0, Number.POSITIVE_INFINITY);
}

test('a mailbox keeps its order while it grows around its end', () => {
  const mailbox = new Mailbox();
  const out: string[] = [];
  let pushed = 0;
  for (let round = 0; round < 50; round++) {
    for (let count = 0; count < 7; count++) mailbox.push(delivery(`${pushed++}`));
    for (let count = 0; count < 5; count++) out.push(mailbox.shift()?.message.id ?? '');
  }
  for (let next = mailbox.shift(); next !== undefined; next = mailbox.shift()) out.push(next.message.id);
  assert.deepEqual(
    out,
    Array.from({ length: 350 }, (_, index) => `${index}`),
  );
});

test('cancelled messages do not come, and do not make the ring grow', () => {
  const mailbox = new Mailbox();
  mailbox.push(delivery('first'));
  for (let index = 0; index < 100_000; index++) {
    const one = delivery('cancelled');
    mailbox.push(one);
    one.isCancelled = true;
    mailbox.noteCancelled(one);
  }
  mailbox.push(delivery('last'));
  assert.equal(mailbox.size, 2);
  assert.ok(mailbox.slots <= 64);
  assert.deepEqual(
    [mailbox.shift()?.message.id, mailbox.shift()?.message.id, mailbox.shift()],
    ['first', 'last', undefined],
  );
});

/** An empty mailbox that held so many messages. */
function grown(stock: MailboxStock, messages: number): Mailbox {
  const mailbox = stock.take();
  for (let index = 0; index < messages; index++) mailbox.push(delivery('x'));
  while (mailbox.shift() !== undefined);
  return mailbox;
}

test('empty mailboxes are kept for the next receiver, those that grew very large are not', () => {
  const stock = new MailboxStock();
  const usual = grown(stock, 1000);
  stock.give(usual);
  assert.equal(stock.take(), usual);
  const large = grown(stock, 1025);
  stock.give(large);
  assert.notEqual(stock.take(), large);
});

test('the mailboxes that are kept have 65,536 slots together', () => {
  const stock = new MailboxStock();
  const all = Array.from({ length: 65 }, () => grown(stock, 1000));
  for (const mailbox of all) stock.give(mailbox);
  const kept = all.map(() => stock.take()).filter((mailbox) => all.includes(mailbox));
  assert.equal(kept.length, 64);
  for (const mailbox of kept) stock.give(mailbox);
  assert.equal(stock.take().slots, 1024, 'as many again, once they were taken');
});

test('requests that are asked and given up again and again leave the mailbox as it was', async () => {
  const buses = new Buses();
  const busy = buses.agent('busy');
  for (let index = 0; index < 3000; index++) {
    const abort = new AbortController();
    const reply = buses.bus.request(outside, 'agent.busy', text('x'), { signal: abort.signal });
    abort.abort();
    assert.equal(replyText(await reply), 'cancelled');
  }
  assert.equal(buses.directory.depthOf(busy.id), 0);
  assert.equal(busy.take(), undefined);
});
