import { Connection, connectionHelp, connectionOptions } from './client/connection.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { isTerminal } from './stdio.ts';
import { frameLines } from './top/frame.ts';
import { Sampler } from './top/sampler.ts';
import { Screen } from './top/screen.ts';
import { countOf, parseWords, requireWords, timeMsOf } from './words.ts';

const options = {
  ...connectionOptions,
  frames: { type: 'string', short: 'n' },
  every: { type: 'string' },
  prefix: { type: 'string' },
} as const;
const framesMax = 999_999_999;
const everyMsMin = 100;

export const command: Command = {
  summary: 'watch threads and agents at work',
  help: `host top: watches threads and agents at work, redrawn every second

Usage: host top [OPTIONS]

  -n, --frames N          end after N frames; 1 prints one and ends
  --every TIME            time between frames                             [1s]
  --prefix TEXT           only agents whose name begins so

q or Ctrl-C ends it. Where the output is no terminal, frames come one after the other without colours. Numbers a
second are those since the frame before; in the first one, since each agent began.
${connectionHelp}`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('top', args, options);
    requireWords(positionals, 0, 'see host top --help');
    const frames = values.frames === undefined ? framesMax : countOf('--frames', values.frames, framesMax);
    const everyMs = Math.max(
      everyMsMin,
      values.every === undefined ? 1000 : timeMsOf('--every', values.every),
    );
    const sampler = new Sampler(Connection.of(values, process.env), values.prefix ?? '');
    // Before the screen is taken over: what is wrong is said on the one the person sees.
    const first = await sampler.next();
    const screen = new Screen(isTerminal(1) && frames > 1);
    try {
      screen.draw(frameLines(first, screen.size));
      for (let drawn = 1; drawn < frames; drawn += 1) {
        await screen.pause(everyMs);
        if (screen.isEnded) break;
        screen.draw(frameLines(await sampler.next(), screen.size));
      }
    } finally {
      screen.close();
    }
    return exitCodes.ok;
  },
};
