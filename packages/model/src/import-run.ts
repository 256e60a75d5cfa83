import { rm } from 'node:fs/promises';
import { errorCode, type Root } from '@blyan/interface';
import type { BlockStore } from '@blyan/store';
import { ALIGNMENT, SUBTILE_BYTES, TensorBlockWriter, tensorByteLengths } from '@blyan/tensorblock';
import { type BlockRef, blockLabel } from './blocks.ts';
import type { Checkpoint } from './checkpoint.ts';
import { ModelError } from './errors.ts';
import type { ImportJournal } from './import-journal.ts';
import type { BlockPlan } from './import-plan.ts';
import { READ_BYTES, ScratchBuffers, writePlannedTensor } from './tensor-writer.ts';

/** One import at work. */
export interface ImportRun {
  readonly store: BlockStore;
  readonly checkpoint: Checkpoint;
  readonly plans: readonly BlockPlan[];
  readonly journal: ImportJournal;
  readonly signal: AbortSignal;
  readonly report: (bytes: number, label: string) => void;
}

/** Bytes of weights a block will hold, scales included. */
export const dataBytes = ({ tensors }: BlockPlan): number =>
  tensors.reduce((sum, { target }) => {
    const { byteLength, scalesByteLength = 0 } = tensorByteLengths(target);
    return sum + byteLength + scalesByteLength;
  }, 0);

/** Length of a block's file to within a few hundred bytes: 64 KiB of manifest, aligned regions, the tree. */
export const fileBytes = ({ tensors }: BlockPlan): number => {
  let bytes = ALIGNMENT;
  for (const { target } of tensors) {
    const { byteLength, scalesByteLength = 0 } = tensorByteLengths(target);
    for (const region of [byteLength, scalesByteLength]) bytes += Math.ceil(region / ALIGNMENT) * ALIGNMENT;
  }
  return bytes + 512 + Math.ceil(bytes / SUBTILE_BYTES) * 40;
};

/** @throws ModelError ERR_MODEL_DISK_SPACE when disk or quota lack so many bytes */
export async function assertRoom(store: BlockStore, neededBytes: number): Promise<void> {
  try {
    await store.assertRoom(neededBytes);
  } catch (cause) {
    const code = errorCode(cause);
    if (code !== 'ERR_STORE_QUOTA' && code !== 'ERR_STORE_DISK_FULL') throw cause;
    const limit = code === 'ERR_STORE_QUOTA' ? "the store's quota leaves" : 'the disk has';
    throw new ModelError(
      'ERR_MODEL_DISK_SPACE',
      `The import needs ${Math.ceil(neededBytes / 1e6)} MB, more than ${limit}: make room or choose a smaller --dtype.`,
      { meta: { neededBytes }, cause },
    );
  }
}

async function writeBlock(
  plan: BlockPlan,
  run: ImportRun,
  scratch: ScratchBuffers,
): Promise<{ root: Root; path: string; byteLength: number }> {
  const path = run.store.tempPath();
  const label = blockLabel(plan.position);
  const targets = plan.tensors.map(({ target }) => target);
  // The signal is looked at between pieces; a writer that gave up while being created would leave its file open.
  const writer = await TensorBlockWriter.create(path, plan.header, targets);
  try {
    const onBytes = (bytes: number) => run.report(bytes, label);
    for (const tensor of plan.tensors) {
      const { checkpoint, signal } = run;
      await writePlannedTensor(tensor, { checkpoint, writer, scratch, readBytes: READ_BYTES, signal, onBytes });
    }
    return { path, ...(await writer.finish()) };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function importBlock(index: number, plan: BlockPlan, run: ImportRun, scratch: ScratchBuffers): Promise<BlockRef> {
  const known = run.journal.get(index);
  if (known !== undefined && run.store.has(known.root)) {
    run.report(dataBytes(plan), blockLabel(plan.position));
    return { ...plan.position, root: known.root, byteLength: known.byteLength };
  }
  const { root, path, byteLength } = await writeBlock(plan, run, scratch);
  try {
    const added = !run.store.has(root);
    // Noted first: a crash in between leaves a line about a block that is not there, never a block without a line.
    await run.journal.append({ index, root, byteLength, added });
    await run.store.admit(path, root, { signal: run.signal, verified: true });
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return { ...plan.position, root, byteLength };
}

/** Two blocks at a time: one is converted and hashed while the other waits for the disk. */
export async function writeBlocks(run: ImportRun): Promise<BlockRef[]> {
  const refs: BlockRef[] = [];
  const failed = new AbortController();
  const lane: ImportRun = { ...run, signal: AbortSignal.any([run.signal, failed.signal]) };
  const queue = run.plans.entries();
  const work = async () => {
    const scratch = new ScratchBuffers();
    for (const [index, plan] of queue) {
      lane.signal.throwIfAborted();
      refs[index] = await importBlock(index, plan, lane, scratch);
    }
  };
  const watched = () =>
    work().catch((error) => {
      failed.abort(error);
      throw error;
    });
  const lanes = await Promise.allSettled([watched(), watched()]);
  // The reason of either signal is the first error, and both lanes have ended.
  if (lanes.some(({ status }) => status === 'rejected')) lane.signal.throwIfAborted();
  return refs;
}

/** Takes back what a failed import put into the store, except blocks somebody has pinned meanwhile. */
export async function rollBack({ store, journal }: ImportRun): Promise<void> {
  const pinned = new Set(store.list().flatMap((entry) => (entry.pinned ? [entry.root] : [])));
  for (const { root, added } of journal.entries()) {
    if (added && !pinned.has(root) && store.has(root)) await store.remove(root);
  }
  await journal.remove();
}
