import { RoutingError } from './errors.ts';
import { findKnownGpu, pcieGBps } from './known-gpus.ts';
import type { Hardware } from './tier.ts';

/** The arguments whose output `parseNvidiaSmi` reads. */
export const NVIDIA_SMI_ARGS: readonly string[] = [
  '--query-gpu=name,memory.total,pcie.link.gen.max,pcie.link.width.max',
  '--format=csv,noheader,nounits',
];

export interface ProbedGpu {
  readonly name: string;
  readonly vramBytes: number;
  /** GB/s, one direction; 0 when the driver does not say (a virtual machine). */
  readonly pcieGBps: number;
}

/**
 * Reads `nvidia-smi` output, one GPU per line; figures the driver gives as `[N/A]` become 0.
 * @throws RoutingError ERR_ROUTING_HARDWARE when a line has another shape
 */
export function parseNvidiaSmi(output: string): ProbedGpu[] {
  return output
    .slice(0, 65_536)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      // A name may hold commas; the figures are the last three fields.
      const match = /^(.+), *([^,]+), *([^,]+), *([^,]+)$/.exec(line);
      if (match === null) {
        throw new RoutingError('ERR_ROUTING_HARDWARE', 'nvidia-smi answered in an unknown form; update the driver.', {
          kind: 'internal',
        });
      }
      const [name = '', memoryMiB, generation, lanes] = match.slice(1);
      return {
        name: name.trim(),
        vramBytes: figure(memoryMiB) * 2 ** 20,
        pcieGBps: pcieGBps(figure(generation), figure(lanes)),
      };
    });
}

function figure(text: string | undefined): number {
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? value : 0;
}

/** The hardware figures of a probed GPU: the driver's where it gives them, published ones for the rest; null when unknown. */
export function hardwareOf(gpu: ProbedGpu): Hardware | null {
  const known = findKnownGpu(gpu.name);
  if (known === null) return null;
  return {
    cpuOnly: false,
    vramBytes: gpu.vramBytes || known.vramGiB * 2 ** 30,
    tflops: known.tflops,
    pcieGBps: gpu.pcieGBps || pcieGBps(known.pcieGen, known.pcieLanes),
    memoryBandwidthGBps: 0,
  };
}
