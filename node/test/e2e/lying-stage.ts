import { PROTOCOL_MAJORS } from '@blyan/params';
import { bitmapOf, decodePlan, type Plan, parseHostSpec, resolveHostSpec } from '@blyan/routing';
import { z } from 'zod';
import type { Bench, Daemon } from './daemon.ts';
import { TestPeer } from './peer.ts';

const STEP_HEAD_BYTES = 9 * 4;
const RESULT = 0xffff;

/** A step that came to a lying stage, and the ways it has to misbehave. */
export interface LyingStep {
  readonly epoch: number;
  /** Sends these rows on as its result: to the stage behind it, or to the coordinator when it is the last. */
  answer(rows: Float32Array, epoch?: number): Promise<void>;
  /** Reports a failure and blames the stage before. */
  slander(): Promise<unknown>;
}

export interface LyingStage extends AsyncDisposable {
  readonly peerId: string;
  steps: number;
}

/** A member that says it hosts what the SPEC says, faster than anybody, opens every stage, and computes nothing. */
export async function lyingStage(
  bench: Bench,
  coordinator: Daemon,
  host: string,
  lie: (step: LyingStep) => Promise<unknown>,
): Promise<LyingStage> {
  const peer = await TestPeer.ofInvite(coordinator.ready.invite);
  const { peerId } = peer.host;
  const protocol = peer.host.protocol('inference', PROTOCOL_MAJORS.inference, { maxFrameBytes: 1 << 24 });
  const plans = new Map<string, { plan: Plan; from: string }>();
  const liar: LyingStage = { peerId, steps: 0, [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose]() };
  const any = z.looseObject({ requestId: z.string() });
  protocol.handle('open', { request: any }, async ({ requestId, plan }, { peerId: from }) => {
    plans.set(requestId, { plan: decodePlan(plan as Uint8Array), from });
    return { position: 0, active: 1 };
  });
  protocol.handle('replay', { request: any }, async () => ({ complete: true }));
  protocol.handle('status', { request: any }, async () => ({ received: 1, computed: 1, active: 1 }));
  protocol.handle('close', { request: any }, async () => null);
  protocol.handleRawCall('alive', async () => new Uint8Array());
  protocol.handleRaw('step', (body) => {
    liar.steps++;
    const words = new Uint32Array(body.slice(0, STEP_HEAD_BYTES).buffer);
    const [, layer = 0, epoch = 0] = words;
    const requestId = [...words.subarray(5)].map((word) => word.toString(16).padStart(8, '0')).join('');
    const known = plans.get(requestId);
    if (!known) return;
    const index = known.plan.stages.findIndex(({ firstLayer }) => firstLayer === layer);
    const next = known.plan.stages[index + 1];
    const previous = known.plan.stages[index - 1]?.peerId ?? known.from;
    const step: LyingStep = {
      epoch,
      answer: (rows, instead = epoch) => {
        const head = words.slice();
        head[1] = next?.firstLayer ?? RESULT;
        head[2] = instead;
        const bytes = Buffer.concat([Buffer.from(head.buffer), Buffer.from(rows.buffer)]);
        return protocol.notifyRaw(next?.peerId ?? known.from, 'step', new Uint8Array(bytes));
      },
      slander: () => {
        const failure = { requestId, layer, blame: previous, reason: 'garbage', kind: 'peer' };
        const request = { ...failure, code: 'ERR_INFERENCE_NOT_FINITE', message: 'It sent NaN.' };
        return protocol.call(known.from, 'fail', request, { response: z.null(), timeoutMs: 5_000 });
      },
    };
    lie(step).catch(() => {});
  });
  await peer.join();
  await peer.register(coordinator.ready.gateway);
  const { nodes } = await coordinator.state();
  for (const { rttMs, self, addresses } of nodes) {
    if (!self && rttMs !== null) await peer.host.dial(addresses[0] as string);
  }
  const { profile } = nodes.find(({ self }) => self) as { profile: string };
  const { blocks, root, spec } = bench.manifest;
  const hosted = resolveHostSpec(parseHostSpec(host, spec) as Parameters<typeof resolveHostSpec>[0], bench.manifest);
  peer.records.publish({
    ...{ version: 'liar', tier: 9, profile, host, active: 0, queued: 0, freeKvBytes: 1 << 30, gateway: false },
    models: [{ root, blocks: bitmapOf(hosted, blocks.length) }],
    measured: { stepUs: 1, trunkUs: 1, expertUs: 1, headUs: 1, prefillRowUs: 1, bandwidthMBps: 100_000, messageUs: 1 },
  });
  return liar;
}
