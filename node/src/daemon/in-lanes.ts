/** Works through the items, at most `width` at a time; settles when all work has ended, then with the first failure. */
export async function inLanes<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const line = [...items];
  const lane = async (): Promise<void> => {
    for (let item = line.shift(); item !== undefined; item = line.shift()) await work(item);
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, lane));
  const failed = ended.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
