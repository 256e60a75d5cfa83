import type { Benchmark } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { benchName, importedBenchModel, promptTokens } from '../model/bench-model.ts';
import { generate } from '../network/generate.ts';
import { LocalNetwork } from '../network/local-network.ts';
import { overlappingSpeed } from '../network/overlapping-speed.ts';
import { rangeOf } from '../stats.ts';

const DELAY_MS = 20;
const STREAMS = 8;
const PROMPT_TOKENS = 16;
const SMALLEST_VOCABULARY = 300;

export const streams: Benchmark = {
  name: 'streams',
  about: `${STREAMS} answers at once against one, plan pipeline over three daemons, ${DELAY_MS} ms round trips, no speculation, every answer from a prompt of its own.
Tokens per second of all of them together, while all of them run: from the last one's first token to the first one's last. The limit is one
answer alone. Best rounds, alone and together in turn.`,
  async run(run) {
    const { quick, report, say, signal } = run;
    const model = quick
      ? undefined
      : { dataDir: (await importedBenchModel(run, 'i8')).dataDir, name: benchName(quick) };
    await using network = await LocalNetwork.start(run, { delayMs: DELAY_MS, model });
    let prompts = 0;
    const ask = () =>
      generate({
        ...{ gateway: network.gateway, model: network.model, plan: 'pipeline', speculation: 'off', signal },
        prompt: promptTokens(PROMPT_TOKENS, SMALLEST_VOCABULARY, ++prompts),
        tokens: quick ? 40 : 96,
      });
    const together = () => Promise.all(Array.from({ length: STREAMS }, ask));
    say('loading');
    await ask();
    for (let round = 0; round < 2; round++) await together();
    const alone: number[] = [];
    const all: number[] = [];
    for (let round = 0; round < (quick ? 3 : 5); round++) {
      alone.push(overlappingSpeed([(await ask()).arrivals]));
      all.push(overlappingSpeed((await together()).map(({ arrivals }) => arrivals)));
    }
    report(
      figure(`streams.${quick ? 'genesis' : 'bench-i8'}.${STREAMS}.${DELAY_MS}ms`, Math.max(...all), 'tokens/s', {
        limit: Math.max(...alone),
        against: 'one answer alone',
        goal: { ratioAtLeast: 5 },
        range: rangeOf(all),
        note: `one alone ${rangeOf(alone)
          .map((speed) => speed.toFixed(1))
          .join(' to ')} tokens/s`,
      }),
    );
  },
};
