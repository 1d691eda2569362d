import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { channelNames } from '../../host/telemetry/channels.ts';
import { Buses, done, text } from '../support/buses.ts';

test('what is sent, published and asked is told to whoever listens, with its sender and where it goes', async () => {
  const buses = new Buses(1);
  const ann = buses.agent('ann');
  const bob = buses.agent('bob');
  bob.handle = () => done;
  const told: unknown[] = [];
  const listener = (message: unknown, name: string | symbol): void => void told.push([name, message]);
  const names = [channelNames.send, channelNames.publish, channelNames.request];
  const speak = async (): Promise<void> => {
    ann.bus.send(ann, 'bob', text('one'));
    ann.bus.publish(ann, 'news', text('three'));
    await ann.bus.request(ann, 'agent.bob', text('ok'));
  };
  await speak();
  for (const name of names) subscribe(name, listener);
  await speak();
  for (const name of names) unsubscribe(name, listener);
  await speak();
  assert.deepEqual(told, [
    [channelNames.send, { sender: 'ann', target: 'bob', bodyBytes: 3 }],
    [channelNames.publish, { sender: 'ann', target: 'news', bodyBytes: 5 }],
    [channelNames.request, { sender: 'ann', target: 'agent.bob', bodyBytes: 2 }],
  ]);
});
