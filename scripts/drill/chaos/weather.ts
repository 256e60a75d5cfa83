import { setTimeout as delay } from 'node:timers/promises';
import type { LinkConditions } from '@blyan/p2p';
import type { Random32, WanNetwork } from '@blyan/testkit';

/** Every link of a rough network: 5 to 7 ms one way, 100 Mbit/s. */
export const ROUGH_LINK: Partial<LinkConditions> = { delayMs: 5, jitterMs: 2, bytesPerSecond: 12_500_000 };

/** Between two bad moments, at most. */
const LONGEST_PAUSE_MS = 6_000;
/** Of a stall or a partition. Longer than the patience of a heartbeat, shorter than that of a connection. */
const SHORTEST_MS = 200;
const LONGEST_MS = 2_000;

export const WEATHER = ['reset', 'stall', 'partition'] as const;
export type Weather = (typeof WEATHER)[number];

/** Bad moments of links, one at a time, until the signal: all connections of a node break or stall, or two nodes are parted. */
export async function roughWeather(
  wan: WanNetwork,
  names: readonly string[],
  random: Random32,
  signal: AbortSignal,
): Promise<Record<Weather, number>> {
  const counts = { reset: 0, stall: 0, partition: 0 };
  const wait = (least: number, most: number) => delay(least + random.uniform() * (most - least), undefined, { signal });
  try {
    for (;;) {
      await wait(0, LONGEST_PAUSE_MS);
      const weather = WEATHER[random.next() % WEATHER.length] as Weather;
      const at = random.next() % names.length;
      const name = names[at] as string;
      const other = names[(at + 1 + (random.next() % (names.length - 1))) % names.length] as string;
      counts[weather]++;
      if (weather === 'reset') wan.door(name).reset();
      else {
        if (weather === 'stall') wan.door(name).stall();
        else wan.partition([name], [other]);
        await wait(SHORTEST_MS, LONGEST_MS);
        if (weather === 'stall') wan.door(name).resume();
        else wan.heal();
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  for (const name of names) wan.door(name).resume();
  return counts;
}
