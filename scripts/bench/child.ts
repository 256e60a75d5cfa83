import type { BenchContext } from './benchmark.ts';
import { CATALOG } from './catalog.ts';
import type { ChildMessage } from './isolated.ts';

// One benchmark in a process of its own: `child.ts NAME CONTEXT`, started by isolated.ts.
const [name = '', json = '{}'] = process.argv.slice(2);
const context = JSON.parse(json) as BenchContext;
const stopping = new AbortController();
const stop = () => stopping.abort(new Error('stopped'));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
process.on('disconnect', stop);

const send = (message: ChildMessage): Promise<void> => {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, () => resolve());
    else resolve();
  });
};

const sent: Promise<void>[] = [];
let code = 0;
try {
  const benchmark = await CATALOG[name]?.();
  if (benchmark === undefined) throw new TypeError(`There is no benchmark "${name}".`);
  sent.push(send({ type: 'about', text: benchmark.about }));
  await benchmark.run({
    ...context,
    signal: stopping.signal,
    say: (text) => void sent.push(send({ type: 'say', text })),
    report: (figure) => void sent.push(send({ type: 'figure', figure })),
  });
} catch (error) {
  code = 1;
  if (!stopping.signal.aborted) console.error(error);
}
await Promise.all(sent);
process.exit(code);
