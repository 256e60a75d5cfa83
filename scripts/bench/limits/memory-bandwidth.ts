import { ROUND_BYTES, readKernel } from './read-kernel.ts';

const MIB = 1024 * 1024;
/** Much larger than the last-level cache of any processor this runs on. */
const BUFFER_BYTES = 768 * MIB;

/**
 * Bytes per second that one thread reads from memory: the best of several passes of two programs, SIMD loads in WebAssembly and
 * the C library's `memchr` looking for a byte that is not there. A figure to divide by, so the best counts, not the usual.
 */
export function measureMemoryBandwidth(rounds: number): number {
  return Math.max(best(rounds, simdPass()), best(rounds, memchrPass()));
}

/** @param pass reads `BUFFER_BYTES` */
function best(rounds: number, pass: () => void): number {
  let seconds = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    pass();
    seconds = Math.min(seconds, (performance.now() - started) / 1000);
  }
  return BUFFER_BYTES / seconds;
}

function simdPass(): () => void {
  const memory = new WebAssembly.Memory({ initial: BUFFER_BYTES / 65_536 });
  // Untouched pages are all one page of zeros, which stays in the cache.
  new Uint8Array(memory.buffer).fill(1);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readKernel()), { env: { memory } });
  const read = instance.exports.read as (from: number, to: number) => number;
  const end = BUFFER_BYTES - (BUFFER_BYTES % ROUND_BYTES);
  return () => void read(0, end);
}

function memchrPass(): () => void {
  const buffer = Buffer.alloc(BUFFER_BYTES, 1);
  return () => void buffer.indexOf(2);
}
