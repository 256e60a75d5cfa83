import { quantile } from '../failover/judge.ts';
import type { Life } from './gateway-watch.ts';
import type { LoadOptions } from './options.ts';
import { DRAIN_MS, type LoadResult } from './run.ts';

/**
 * What may be alive more at the end of a life than when it was warm, MiB: answers that are under way at that moment, and
 * those whose client does not read keep up to 7 MiB of logits each.
 */
const LIVE_SPARE_MIB = 40;
/** The same when everybody is gone: copies of answers that may be resumed stay for ten minutes. */
const IDLE_SPARE_MIB = 12;
/** What may be resident more, a share and MiB: what the heaps hold in reserve, as in the chaos drill. */
const RESIDENT_SHARE = 0.15;
const RESIDENT_SPARE_MIB = 96;
/** Sockets between nodes come and go. */
const SOCKETS_SPARE = 6;

/** Whether the promise was kept, in words and in figures. */
export function judgeLoad(result: LoadResult, options: LoadOptions) {
  const { tally, lives, idleMib, restart, kvLeak, sockets, slots, books } = result;
  const waits = tally.served.map(({ waitMs }) => waitMs);
  const firstBytes = tally.served.map(({ firstByteMs }) => firstByteMs);
  const spread = (values: readonly number[]) => ({
    p50: quantile(values, 0.5),
    p95: quantile(values, 0.95),
    max: Math.max(0, ...values),
  });
  const waitMs = spread(waits);
  const firstByteMs = spread(firstBytes);
  const refused = tally.served.filter(({ refusals }) => refusals > 0).length;
  const resumed = tally.served.filter(({ resumes }) => resumes > 0).length;
  const whileStopping = tally.refusals['503 ERR_GATEWAY_STOPPING'] ?? 0;
  const checks = {
    served: tally.asked > 0 && tally.served.length === tally.asked && tally.complaintCount === 0,
    memory: lives.every(isFlat) && idleMib - (lives.at(-1)?.liveMib[0] ?? 0) <= IDLE_SPARE_MIB,
    kv: kvLeak === null,
    sockets: sockets.after <= sockets.before + SOCKETS_SPARE,
    slots: slots.given === slots.asked,
    books: books.problem === null,
    restart: restart === null || (restart.exitCode === 0 && restart.drainedAfterS * 1000 < DRAIN_MS + 5_000),
  };
  const ok = Object.values(checks).every(Boolean);
  const ms = ({ p50, p95, max }: ReturnType<typeof spread>) =>
    `p50 ${p50.toFixed(0)}, p95 ${p95.toFixed(0)}, max ${max.toFixed(0)} ms`;
  const verdict = (isGood: boolean) => (isGood ? 'ok    ' : 'FAILED');
  const lines = [
    `${verdict(checks.served)} ${tally.served.length} of ${tally.asked} questions of ${Math.round(options.clients / 2)} good clients answered, each as alone (${result.offered.toFixed(1)} a second asked for, ${result.capacity.toFixed(1)} possible); ${tally.complaintCount} complaints`,
    `       from the first try to the first byte ${ms(waitMs)}; ${refused} were told to come again first; of the try that was answered ${ms(firstByteMs)}`,
    `       refusals ${JSON.stringify(tally.refusals)}`,
    `       the others ${JSON.stringify(tally.told)}`,
    ...tally.complaints.slice(0, 10).map((text) => `       ! ${text}`),
    `${verdict(checks.memory)} memory of the gateway's process, warm and at the end: ${lives.map(inWords).join('; ')}; ${idleMib.toFixed(0)} MiB alive when everybody is gone`,
    `${verdict(checks.kv)} KV memory and sequences of all nodes: ${kvLeak ?? 'all free'}`,
    `${verdict(checks.sockets)} sockets of the gateway's process: ${sockets.before} before, ${sockets.after} after`,
    `${verdict(checks.books)} ledger: ${books.entries} entries, ${books.problem ?? 'each in its place, the trial balance is zero, nothing is set aside'}`,
    `${verdict(checks.slots)} slots: ${slots.given} of ${slots.asked} answers at once were given`,
  ];
  if (restart !== null) {
    lines.push(
      `${verdict(checks.restart)} restart: ended ${restart.drainedAfterS.toFixed(1)} s after SIGTERM (exit code ${restart.exitCode}), ready again after ${restart.backAfterS.toFixed(1)} s; ${whileStopping} were told 503, ${resumed} streams were resumed`,
    );
  }
  const { complaints, refusals, told, asked, served } = tally;
  const figures = {
    ...{ ok, checks, asked, served: served.length, waitMs, firstByteMs, refused, resumed, refusals, told, complaints },
    ...{ capacity: result.capacity, offered: result.offered, lives, idleMib, restart, kvLeak, sockets, slots, books },
  };
  return { lines, figures };
}

function isFlat({ liveMib, residentMib }: Life): boolean {
  const [warm, end] = residentMib;
  return liveMib[1] - liveMib[0] <= LIVE_SPARE_MIB && end <= warm * (1 + RESIDENT_SHARE) + RESIDENT_SPARE_MIB;
}

function inWords({ seconds, liveMib, residentMib, slopeMibPerMinute }: Life): string {
  const fromTo = (pair: readonly [number, number]) => pair.map((mib) => mib.toFixed(0)).join(' -> ');
  return `alive after a collection ${fromTo(liveMib)} MiB, resident ${fromTo(residentMib)} MiB (${slopeMibPerMinute.toFixed(0)} a minute) in a life of ${seconds} s`;
}
