import { quantile } from '../failover/judge.ts';
import type { LoadOptions } from './options.ts';
import { DRAIN_MS, type LoadResult } from './run.ts';

/** What the memory of a gateway may still gain in a minute once it is warm, MiB: the noise of the collector. */
const STEEPEST_MIB_PER_MINUTE = 24;
/** Sockets between nodes come and go. */
const SOCKETS_SPARE = 6;

/** Whether the promise was kept, in words and in figures. */
export function judgeLoad(result: LoadResult, options: LoadOptions) {
  const { tally, lives, restart, kvLeak, sockets, slots, died } = result;
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
  const steepest = Math.max(...lives.map(({ slopeMibPerMinute }) => slopeMibPerMinute ?? 0));
  const checks = {
    served: tally.asked > 0 && tally.served.length === tally.asked && tally.complaintCount === 0,
    alive: !died,
    memory: steepest <= STEEPEST_MIB_PER_MINUTE,
    kv: kvLeak === null,
    sockets: sockets.after <= sockets.before + SOCKETS_SPARE,
    slots: slots.given === slots.asked,
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
    `${verdict(checks.memory)} anonymous memory of the gateway's process, at most ${STEEPEST_MIB_PER_MINUTE} MiB a minute once warm: ${lives.map(({ seconds, warmMib, endMib, slopeMibPerMinute: slope }) => `${warmMib.toFixed(0)} -> ${endMib.toFixed(0)} MiB, ${slope === null ? 'too short a life to say' : `${slope.toFixed(1)} a minute`}, ${seconds} s`).join('; ')}`,
    `${verdict(checks.kv)} KV memory and sequences of all nodes: ${kvLeak ?? 'all free'}`,
    `${verdict(checks.sockets)} sockets of the gateway's process: ${sockets.before} before, ${sockets.after} after`,
    `${verdict(checks.slots)} slots: ${slots.given} of ${slots.asked} answers at once were given`,
    `${verdict(checks.alive)} the gateway ${died ? 'died' : 'lives'}`,
  ];
  if (restart !== null) {
    lines.push(
      `${verdict(checks.restart)} restart: ended ${restart.drainedAfterS.toFixed(1)} s after SIGTERM (exit code ${restart.exitCode}), ready again after ${restart.backAfterS.toFixed(1)} s; ${whileStopping} were told 503, ${resumed} streams were resumed`,
    );
  }
  const { complaints, refusals, told, asked, served } = tally;
  const figures = {
    ...{ ok, checks, asked, served: served.length, waitMs, firstByteMs, refused, resumed, refusals, told, complaints },
    ...{ capacity: result.capacity, offered: result.offered, lives, restart, kvLeak, sockets, slots },
  };
  return { lines, figures };
}
