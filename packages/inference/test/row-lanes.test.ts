import { expect, test } from 'vitest';
import type { AwaitedRow } from '../src/messages.ts';
import { RowLanes } from '../src/row-lanes.ts';
import { decodeStep, encodeStep, encodeStepHead, RESULT } from '../src/wire.ts';

const HEAD = { requestId: 'ab'.repeat(16), layer: 4, epoch: 2, position: 7, wanted: 1 };
const ROW = new Float32Array([1, -2, 0.5]);
const awaited = (name: string, head: Partial<typeof HEAD> = {}): AwaitedRow => ({
  ...{ awaited: name, from: 'peer', length: 3 },
  head: encodeStepHead({ ...HEAD, ...head }),
});
const same = async (row: Float32Array) => row;
const frame = (head: Partial<typeof HEAD> = {}, rows = ROW) =>
  new Uint8Array(Buffer.concat(encodeStep({ ...HEAD, ...head, rows })));

function lanes() {
  const passed: Uint8Array[] = [];
  const sent: { lane: number; body: Uint8Array }[] = [];
  const rows = new RowLanes({
    send: (lane, parts) => sent.push({ lane, body: new Uint8Array(Buffer.concat(parts)) }) > 0,
    pass: async ({ body }) => void passed.push(body),
  });
  return { rows, passed, sent };
}

test('the row that is awaited is for the engine, once', async () => {
  const { rows, passed } = lanes();
  const row = rows.take(awaited('a'), same);
  const other = rows.take(awaited('b', { position: 8 }), same);
  expect(rows.receive('peer', 1, frame())).toBeUndefined();
  expect(await row).toEqual(ROW);
  await rows.receive('peer', 1, frame());
  expect(passed).toEqual([frame()]);
  rows.receive('peer', 1, frame({ position: 8 }));
  expect(await other).toEqual(ROW);
});

test.each([
  ['of another request', frame({ requestId: 'ac'.repeat(16) })],
  ['for another stage', frame({ layer: 5 })],
  ['of a later epoch', frame({ epoch: 3 })],
  ['at another position', frame({ position: 8 })],
  ['of which nothing is wanted', frame({ wanted: 0 })],
  ['with more rows', frame({}, new Float32Array(6))],
  ['with no row', frame({}, new Float32Array(0))],
  ['with what is no number', frame({}, new Float32Array([1, Number.NaN, 2]))],
  ['with half a number', frame().slice(0, -2)],
  ['cut off in its head', frame().slice(0, 20)],
])('a frame %s is for the main thread', async (_, body) => {
  const { rows, passed } = lanes();
  const row = rows.take(awaited('a'), same);
  await rows.receive('peer', 1, body);
  expect(passed).toEqual([body]);
  await rows.receive('other', 1, frame());
  expect(passed).toHaveLength(2);
  rows.receive('peer', 1, frame());
  expect(await row).toEqual(ROW);
});

test('what is forgotten, or awaited anew, is cancelled', async () => {
  const { rows, passed } = lanes();
  const cancelled = { code: 'ERR_INFERENCE_CANCELLED' };
  const first = expect(rows.take(awaited('a'), same)).rejects.toMatchObject(cancelled);
  const second = expect(rows.take(awaited('a'), same)).rejects.toMatchObject(cancelled);
  rows.forget('a');
  rows.forget('never awaited');
  await Promise.all([first, second]);
  await rows.receive('peer', 1, frame());
  expect(passed).toHaveLength(1);
});

test('sends rows on as the stage behind and the coordinator expect them', () => {
  const { rows, sent } = lanes();
  const { requestId } = HEAD;
  const step = { epoch: 2, position: 7, wanted: 1 };
  rows.forward({ lane: 5, requestId, layer: 4 }, step, 3, new Float32Array(9));
  rows.forward({ lane: 6, requestId, layer: RESULT }, step, 3, ROW);
  expect(sent.map(({ lane, body }) => ({ lane, ...decodeStep(body) }))).toEqual([
    { lane: 5, ...HEAD, rows: new Float32Array(9) },
    { lane: 6, ...HEAD, layer: RESULT, position: 9, wanted: 0, rows: ROW },
  ]);
});
