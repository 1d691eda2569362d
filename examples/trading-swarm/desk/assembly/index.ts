// Forms the swarm, and takes prices: `SYMBOL PRICE`, one to a line.
import { Failure, Message, Reply, bus, fail, orchestration, reply, utf8 } from "motehost:agent";

const analysers = ["analyser-1", "analyser-2", "analyser-3"];
const managers = ["risk-1", "risk-2", "risk-3"];
let prices = 0;
let orders = 0;

export function handle(message: Message): Reply {
  const text = utf8.decode(message.body).trim();
  if (text == "open") return open();
  if (text == "metrics") return reply(`${prices} prices, ${orders} orders\n`);
  const lines = text.split("\n");
  let used = "";
  let placed = 0;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i].trim();
    const symbol = line.split(" ")[0];
    // An analyser remembers what a symbol cost, so all prices of one go to the same.
    const shard = orchestration.shardOf(symbol, analysers);
    if (shard === null) return fail(Failure.unavailable("no analysers"));
    if (!used.includes(shard)) used += shard + " ";
    const advice = bus.request("agent." + shard, line, 5000);
    if (advice.isErr) return fail(Failure.unavailable(`${shard}: ${advice.error.toString()}`));
    const order = utf8.decode(advice.value.body);
    if (order.length == 0) continue;
    const put = orchestration.put(`orders`, order, 1000);
    if (put.isErr) return fail(Failure.unavailable(`orders: ${put.error.toString()}`));
    placed++;
  }
  prices += lines.length;
  orders += placed;
  const told = orchestration.signal("executor", "orders");
  if (told.isErr) return fail(Failure.unavailable(`executor: ${told.error.toString()}`));
  return reply(`${lines.length} prices to ${used.trim().split(" ").length} analysers: ${placed} orders\n`);
}

function open(): Reply {
  for (let i = 0; i < analysers.length; i++) {
    const made = orchestration.spawn("analyser", analysers[i]);
    if (made.isErr) return fail(Failure.unavailable(`${analysers[i]}: ${made.error.toString()}`));
  }
  for (let i = 0; i < managers.length; i++) {
    const made = orchestration.spawn("risk", managers[i]);
    if (made.isErr) return fail(Failure.unavailable(`${managers[i]}: ${made.error.toString()}`));
    const joined = bus.request("agent." + managers[i], "join", 5000);
    if (joined.isErr) return fail(Failure.unavailable(`${managers[i]}: ${joined.error.toString()}`));
  }
  const members = orchestration.members("risk");
  const count = members.isOk ? members.value.length : 0;
  return reply(`${analysers.length} analysers, ${count} risk managers\n`);
}
