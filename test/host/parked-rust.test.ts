import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { buildProject, newProject, skip } from '../guest-sdk/rust/rust-project.ts';
import { ParkingHost } from '../support/parking-host.ts';

const asker = `
use motehost::{async_bus, async_agent, join_all, reply, AsyncAgent, Config, Failure, Message, Reply};
use std::time::Duration;

async_agent!(Asker);

struct Asker {
    count: u32,
}

impl AsyncAgent for Asker {
    async fn start(_config: Config) -> Result<Self, Failure> {
        async_bus::sleep(Duration::from_millis(600)).await;
        Ok(Asker { count: 0 })
    }

    async fn handle(&mut self, message: Message) -> Reply {
        self.count += 1;
        let subjects: Vec<String> = message.text()?.split(' ').map(|name| format!("agent.{name}")).collect();
        let asked = subjects.iter().map(|subject| async_bus::request_within(subject, &subject["agent.".len()..], Duration::from_secs(50)));
        let mut texts = vec![self.count.to_string()];
        for answer in join_all(asked).await {
            texts.push(String::from_utf8(answer?.body).unwrap());
        }
        reply(texts.join(" "))
    }

}
`;

describe('Rust agents that wait in a serving host', { skip, timeout: 240_000 }, () => {
  let bytes: Uint8Array;

  before(async () => {
    const built = await buildProject(newProject('agent', { 'src/lib.rs': asker }), 'async-agent');
    bytes = built.bytes;
  });

  test('one leaves memory while it starts and while it handles a message, and goes on', async () => {
    await using host = await ParkingHost.start();
    await host.furnish();
    const manifest = `world = "async-agent"\n[hibernate]\nafter = "1ms"\n[capabilities.bus]\nsend = ["agent.>"]\n`;
    await host.install('asker', bytes, manifest);
    const asked = host.ask('asker', 'slow echo slow');
    await host.until('parked', 1);
    await host.ask('door', 'open');
    assert.equal(await asked, '1 slow! echo slow!');
    assert.equal(await host.ask('asker', 'echo'), '2 echo');
  });
});
