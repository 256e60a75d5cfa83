/** One model of GPU by its vendor's published figures. */
export interface KnownGpu {
  /** Lower-case words that all stand in the driver's name for it, in this order. */
  readonly name: string;
  readonly vramGiB: number;
  /** Dense half precision with single-precision accumulation, TFLOPS; single precision before tensor cores. */
  readonly tflops: number;
  readonly pcieGen: number;
  readonly pcieLanes: number;
}

const gpu = (name: string, vramGiB: number, tflops: number, pcieGen: number, pcieLanes = 16): KnownGpu =>
  Object.freeze({ name, vramGiB, tflops, pcieGen, pcieLanes });

/** From the vendors' data sheets. A longer name goes before the one it contains. */
export const KNOWN_GPUS: readonly KnownGpu[] = Object.freeze([
  gpu('gtx 1060', 6, 4.4, 3),
  gpu('gtx 1080 ti', 11, 11.3, 3),
  gpu('gtx 1660 super', 6, 10, 3),
  gpu('rtx 2060', 6, 25.8, 3),
  gpu('rtx 2080 ti', 11, 53.8, 3),
  gpu('rtx 3060', 12, 25.5, 4),
  gpu('rtx 3070', 8, 40.6, 4),
  gpu('rtx 3080', 10, 59.5, 4),
  gpu('rtx 3090 ti', 24, 80, 4),
  gpu('rtx 3090', 24, 71, 4),
  gpu('rtx 4060 ti', 16, 44.1, 4, 8),
  gpu('rtx 4060', 8, 30.2, 4, 8),
  gpu('rtx 4070 ti', 12, 80.2, 4),
  gpu('rtx 4070', 12, 58.3, 4),
  gpu('rtx 4080', 16, 97.5, 4),
  gpu('rtx 4090', 24, 165.2, 4),
  gpu('rtx 5070 ti', 16, 87.9, 5),
  gpu('rtx 5070', 12, 61.7, 5),
  gpu('rtx 5080', 16, 112.6, 5),
  gpu('rtx 5090', 32, 209.5, 5),
  gpu('rtx a4000', 16, 76.7, 4),
  gpu('rtx a5000', 24, 111.1, 4),
  gpu('rtx a6000', 48, 154.8, 4),
  gpu('rtx 6000 ada', 48, 364.2, 4),
  gpu('p100', 16, 18.7, 3),
  gpu('v100 sxm2 32gb', 32, 125, 3),
  gpu('v100 pcie 32gb', 32, 112, 3),
  gpu('v100', 16, 112, 3),
  gpu('t4', 16, 65, 3),
  gpu('a2', 16, 18.1, 4, 8),
  gpu('a10g', 24, 70, 4),
  gpu('a10', 24, 125, 4),
  gpu('a30', 24, 165, 4),
  gpu('a40', 48, 149.7, 4),
  gpu('a100 80gb', 80, 312, 4),
  gpu('a100', 40, 312, 4),
  gpu('l40s', 48, 362, 4),
  gpu('l40', 48, 181, 4),
  gpu('l4', 24, 121, 4),
  gpu('h100 nvl', 94, 835, 5),
  gpu('h100 pcie', 80, 756, 5),
  gpu('h100', 80, 989, 5),
  gpu('h200', 141, 989, 5),
  gpu('gh200', 96, 989, 5),
  gpu('b200', 180, 2250, 5),
  gpu('mi210', 64, 181, 4),
  gpu('mi250x', 128, 383, 4),
  gpu('mi300x', 192, 1307, 5),
  gpu('rx 6900 xt', 16, 46.1, 4),
  gpu('rx 7900 xtx', 24, 122.8, 4),
]);

/** Gigabytes (10^9) per second and lane, one direction, after line coding. */
const LANE_GBPS: Readonly<Record<number, number>> = { 1: 0.25, 2: 0.5, 3: 0.985, 4: 1.969, 5: 3.938, 6: 7.563 };

/** One direction of a PCIe link in GB/s; 0 for a generation or width nobody has built. */
export function pcieGBps(generation: number, lanes: number): number {
  return (LANE_GBPS[generation] ?? 0) * (lanes > 0 && lanes <= 32 ? lanes : 0);
}

/** The published figures of a GPU by the driver's name for it (`NVIDIA GeForce RTX 3090`), or null. */
export function findKnownGpu(driverName: string): KnownGpu | null {
  const words = driverName
    .slice(0, 256)
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return KNOWN_GPUS.find(({ name }) => containsInOrder(words, name.split(' '))) ?? null;
}

function containsInOrder(words: readonly string[], wanted: readonly string[]): boolean {
  let from = 0;
  for (const word of wanted) {
    const at = words.indexOf(word, from);
    if (at < 0) return false;
    from = at + 1;
  }
  return true;
}
