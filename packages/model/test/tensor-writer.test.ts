import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TensorBlockWriter } from '@blyan/tensorblock';
import { goldenDir, temporaryDirectory } from '@blyan/testkit';
import { expect, test } from 'vitest';
import { type BlockPlan, planImport } from '../src/import-plan.ts';
import { Checkpoint, parseModelSpec } from '../src/index.ts';
import { READ_BYTES, ScratchBuffers, writePlannedTensor } from '../src/tensor-writer.ts';

test.each([
  'f32',
  'source',
  'i8',
  'i4',
] as const)('the size of buffers does not change a block of %s', async (dtype) => {
  await using dir = await temporaryDirectory();
  await using checkpoint = await Checkpoint.open(goldenDir('qwen2_moe'));
  const config = JSON.parse(readFileSync(join(goldenDir('qwen2_moe'), 'config.json'), 'utf8'));
  const plans = planImport(checkpoint, { ...parseModelSpec(config), sliceCount: 3 }, dtype);
  const rootOf = async (plan: BlockPlan, readBytes: number, name: string) => {
    const targets = plan.tensors.map(({ target }) => target);
    const writer = await TensorBlockWriter.create(join(dir.path, name), plan.header, targets);
    const context = {
      checkpoint,
      writer,
      scratch: new ScratchBuffers(),
      readBytes,
      signal: new AbortController().signal,
    };
    for (const tensor of plan.tensors) await writePlannedTensor(tensor, { ...context, onBytes: () => {} });
    return (await writer.finish()).root;
  };
  for (const index of [0, 1, 4, plans.length - 1]) {
    const plan = plans[index] as BlockPlan;
    const whole = await rootOf(plan, READ_BYTES, `whole-${index}`);
    expect(await rootOf(plan, 300, `small-${index}`)).toBe(whole);
    expect(await rootOf(plan, 1, `tiny-${index}`)).toBe(whole);
  }
});
