/** What a machine computes with. For a CPU-only machine the GPU figures are 0. */
export interface Hardware {
  readonly cpuOnly: boolean;
  readonly vramBytes: number;
  /** Dense half-precision TFLOPS with single-precision accumulation; single-precision where the GPU has no fast half. */
  readonly tflops: number;
  /** Gigabytes (10^9) per second, one direction. */
  readonly pcieGBps: number;
  /** Gigabytes (10^9) per second of the memory the weights lie in; informative, not part of the tier. */
  readonly memoryBandwidthGBps: number;
}

const GIB = 2 ** 30;
/** Reference machine of tier 1 (4 GiB, 6 TFLOPS, PCIe 3.0 x8) and the tiers that one doubling of each figure is worth. */
const VRAM = { reference: 4, tiersPerDoubling: 0.4 };
const TFLOPS = { reference: 6, tiersPerDoubling: 0.84 };
const PCIE = { reference: 8, tiersPerDoubling: 0.1 };

/**
 * Tier 0 (no GPU) to 9. The tier grows with the logarithms of memory, speed and link, so that a card of twice the
 * speed is about one tier above another at both ends of the scale: RTX 3090 is 5, RTX 4090 is 6, H200 is 9.
 */
export function tierOf(hardware: Pick<Hardware, 'cpuOnly' | 'vramBytes' | 'tflops' | 'pcieGBps'>): number {
  if (hardware.cpuOnly) return 0;
  const tiers =
    doublings(hardware.vramBytes / GIB, VRAM) + doublings(hardware.tflops, TFLOPS) + doublings(hardware.pcieGBps, PCIE);
  return Math.min(9, Math.max(1, 1 + Math.floor(tiers)));
}

function doublings(value: number, scale: { reference: number; tiersPerDoubling: number }): number {
  return value > 0 ? Math.log2(value / scale.reference) * scale.tiersPerDoubling : -Infinity;
}
