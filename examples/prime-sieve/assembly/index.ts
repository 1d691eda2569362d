// Counts the primes below a number (10,000,000 unless the message says another) with a sieve of bits.
//
// This is work: a billion instructions, each of them paid for with fuel. The same number costs
// the same fuel on every machine and on every run, so a price list for agents can be written down.
//
//   host run examples/prime-sieve --input 1000000
import { Failure, Message, Reply, fail, reply, utf8 } from "motehost:agent";

const limitMax = 200_000_000;

export function handle(message: Message): Reply {
  const text = utf8.decode(message.body).trim();
  const limit = text.length == 0 ? 10_000_000 : I32.parseInt(text);
  if (limit < 2 || limit > limitMax) return fail(Failure.invalid(`a number from 2 to ${limitMax}, please`));
  return reply(`${countPrimes(limit)} primes below ${limit}`);
}

// Bit i of the sieve says that the odd number 2i + 1 is composite.
function countPrimes(limit: i32): i32 {
  const odds = limit / 2;
  const composite = new Uint8Array((odds >> 3) + 1);
  let count = limit > 2 ? 1 : 0; // the 2

  for (let i = 1; i < odds; i++) {
    if (unchecked(composite[i >> 3]) & bit(i)) continue;
    count++;
    const prime = <i64>(2 * i + 1);
    for (let at = (prime * prime) >> 1; at < odds; at += prime) {
      const byte = <i32>(at >> 3);
      unchecked((composite[byte] |= bit(<i32>at)));
    }
  }
  return count;
}

function bit(i: i32): u8 {
  return <u8>1 << <u8>(i & 7);
}
