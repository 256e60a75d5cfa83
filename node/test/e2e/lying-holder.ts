import { PROTOCOL_MAJORS } from '@blyan/params';
import { bitmapOf } from '@blyan/routing';
import type { Bench, Daemon } from './daemon.ts';
import { TestPeer } from './peer.ts';

/** What a liar makes of the right answer to an expert call: 8 bytes of head, then f32 rows. */
export type Lie = (right: Uint8Array) => Promise<Uint8Array> | Uint8Array;

export interface LyingHolder extends AsyncDisposable {
  readonly peerId: string;
  /** Expert calls that came. */
  calls: number;
}

/**
 * A member that says it holds every expert and is a thousand times faster than anybody, and answers as it likes: what an
 * honest holder would answer, changed by `lie`.
 */
export async function lyingHolder(bench: Bench, coordinator: Daemon, honest: Daemon, lie: Lie): Promise<LyingHolder> {
  const peer = await TestPeer.ofInvite(coordinator.ready.invite);
  const protocol = peer.host.protocol('inference', PROTOCOL_MAJORS.inference, { maxFrameBytes: 1 << 24 });
  const liar: LyingHolder = {
    peerId: peer.host.peerId,
    calls: 0,
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
  protocol.handleRawCall('experts', async (body, { signal }) => {
    liar.calls++;
    const right = await protocol.callRaw(honest.ready.peerId, 'experts', body, { timeoutMs: 30_000, signal });
    return lie(right.slice());
  });
  await peer.join();
  await peer.register(coordinator.ready.gateway);
  const { nodes } = await coordinator.state();
  const [address] = nodes.find(({ peerId }) => peerId === honest.ready.peerId)?.addresses ?? [];
  await peer.host.dial(address as string);
  const { blocks, root } = bench.manifest;
  const experts = blocks.flatMap(({ kind }, index) => (kind === 'expert' ? [index] : []));
  const { profile } = nodes.find(({ self }) => self) as { profile: string };
  peer.records.publish({
    ...{
      version: 'liar',
      tier: 9,
      profile,
      host: 'experts:*.0-7',
      active: 0,
      queued: 0,
      freeKvBytes: 0,
      gateway: false,
    },
    models: [{ root, blocks: bitmapOf(experts, blocks.length) }],
    measured: { stepUs: 1, trunkUs: 1, expertUs: 1, headUs: 1, prefillRowUs: 1, bandwidthMBps: 100_000, messageUs: 1 },
  });
  return liar;
}
