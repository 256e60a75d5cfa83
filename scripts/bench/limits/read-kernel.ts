// A WebAssembly module of one function, written out here because it is the yardstick: `read(from, to)` xors every byte
// of a range of its memory, 128 bytes per round into eight independent registers, and returns some of the result.
const [I32, V128] = [0x7f, 0x7b];
const LANES = 8;
/** Bytes a round reads; the range must be a multiple of it. */
export const ROUND_BYTES = LANES * 16;

const PARAMETERS = 2;
const [localGet, localSet, localTee] = [0x20, 0x21, 0x22];
const [i32Const, i32Add, i32LessUnsigned] = [0x41, 0x6a, 0x49];
const [loop, branchIf, end, noResult] = [0x03, 0x0d, 0x0b, 0x40];
const simd = 0xfd;
const [v128Load, v128Xor, i32x4ExtractLane] = [0x00, 0x51, 0x1b];
const ALIGNED_16 = 4;

/** Unsigned LEB128. */
function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return bytes;
}

const list = (items: readonly (readonly number[])[]) => [...leb(items.length), ...items.flat()];
const section = (id: number, content: readonly number[]) => [id, ...leb(content.length), ...content];
const name = (text: string) => [...leb(text.length), ...Buffer.from(text)];

function body(): number[] {
  const lanes = Array.from({ length: LANES }, (_, lane) => lane);
  const accumulator = (lane: number) => PARAMETERS + lane;
  const round = lanes.flatMap((lane) => [
    ...[localGet, accumulator(lane)],
    ...[localGet, 0, simd, v128Load, ALIGNED_16, ...leb(16 * lane)],
    ...[simd, v128Xor, localSet, accumulator(lane)],
  ]);
  // The constant is signed LEB128, in which 128 takes two bytes and reads the same.
  const advance = [localGet, 0, i32Const, ...leb(ROUND_BYTES), i32Add, localTee, 0, localGet, 1, i32LessUnsigned];
  const combine = lanes.slice(1).flatMap((lane) => [localGet, accumulator(lane), simd, v128Xor]);
  const code = [
    ...[loop, noResult, ...round, ...advance, branchIf, 0, end],
    ...[localGet, accumulator(0), ...combine, simd, i32x4ExtractLane, 0, end],
  ];
  const locals = list([[...leb(LANES), V128]]);
  return [...leb(locals.length + code.length), ...locals, ...code];
}

/** The module: imports `env.memory`, exports `read(from, to): number`. */
export function readKernel(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list([[0x60, ...list([[I32], [I32]]), ...list([[I32]])]])),
    ...section(2, list([[...name('env'), ...name('memory'), 2, 0, 1]])),
    ...section(3, list([[0]])),
    ...section(7, list([[...name('read'), 0, 0]])),
    ...section(10, list([body()])),
  ]);
}
