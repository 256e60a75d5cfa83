import { describe, expect, test } from 'vitest';
import { cpuLevelOf, findKnownGpu, hardwareOf, KNOWN_GPUS, parseNvidiaSmi, pcieGBps, tierOf } from '../src/index.ts';

const tierOfGpu = (name: string) => {
  const known = findKnownGpu(name);
  if (known === null) throw new Error(`${name} is not in the table`);
  return tierOf({
    cpuOnly: false,
    vramBytes: known.vramGiB * 2 ** 30,
    tflops: known.tflops,
    pcieGBps: pcieGBps(known.pcieGen, known.pcieLanes),
  });
};

describe('tiers', () => {
  test.each([
    ['NVIDIA GeForce GTX 1060 6GB', 1],
    ['NVIDIA GeForce RTX 2060', 3],
    ['NVIDIA GeForce RTX 3060', 3],
    ['NVIDIA GeForce RTX 3090', 5],
    ['NVIDIA GeForce RTX 4080 SUPER', 5],
    ['NVIDIA GeForce RTX 4090', 6],
    ['NVIDIA A100-SXM4-80GB', 7],
    ['NVIDIA H100 PCIe', 8],
    ['NVIDIA H200', 9],
    ['NVIDIA B200', 9],
  ])('%s is tier %i', (name, tier) => expect(tierOfGpu(name)).toBe(tier));

  test('a machine without a GPU is tier 0, the weakest GPU 1, an absurd one 9', () => {
    const none = { cpuOnly: true, vramBytes: 0, tflops: 0, pcieGBps: 0 };
    expect(tierOf(none)).toBe(0);
    expect(tierOf({ ...none, cpuOnly: false })).toBe(1);
    expect(tierOf({ cpuOnly: false, vramBytes: 2 ** 50, tflops: 1e6, pcieGBps: 1e4 })).toBe(9);
  });

  test('3090, 4090 and H200 differ whichever of the published speeds is measured', () => {
    const card = (vramGiB: number, tflops: number, pcie: number) =>
      tierOf({ cpuOnly: false, vramBytes: vramGiB * 2 ** 30, tflops, pcieGBps: pcie });
    for (const [a, b, c] of [
      [71, 165, 989],
      [35.6, 82.6, 67],
      [142, 330, 989],
    ] as const) {
      const tiers = [card(24, a, 31.5), card(24, b, 31.5), card(141, c, 63)];
      expect(new Set(tiers).size).toBe(3);
      expect(tiers).toEqual(tiers.toSorted());
    }
  });

  test('every known GPU is found by its own name and has a tier from 1 to 9', () => {
    for (const known of KNOWN_GPUS) {
      expect(findKnownGpu(`Vendor ${known.name.toUpperCase()}`)?.name).toBe(known.name);
      expect(tierOfGpu(known.name)).toBeGreaterThanOrEqual(1);
      expect(tierOfGpu(known.name)).toBeLessThanOrEqual(9);
    }
    expect(findKnownGpu('llvmpipe')).toBeNull();
  });
});

describe('probes', () => {
  test('nvidia-smi lines', () => {
    const output = 'NVIDIA GeForce RTX 3090, 24576, 4, 16\nNVIDIA H200, 143771, 5, 16\n\n';
    expect(parseNvidiaSmi(output)).toEqual([
      { name: 'NVIDIA GeForce RTX 3090', vramBytes: 24_576 * 2 ** 20, pcieGBps: pcieGBps(4, 16) },
      { name: 'NVIDIA H200', vramBytes: 143_771 * 2 ** 20, pcieGBps: pcieGBps(5, 16) },
    ]);
    expect(parseNvidiaSmi('')).toEqual([]);
    expect(() => parseNvidiaSmi('NVIDIA-SMI has failed')).toThrow(
      expect.objectContaining({ code: 'ERR_ROUTING_HARDWARE' }),
    );
  });

  test('what the driver does not tell is filled in from the published figures', () => {
    const [gpu] = parseNvidiaSmi('Tesla T4, [N/A], [N/A], [N/A]');
    expect(gpu && hardwareOf(gpu)).toMatchObject({ vramBytes: 16 * 2 ** 30, tflops: 65, pcieGBps: pcieGBps(3, 16) });
    expect(hardwareOf({ name: 'Unheard of', vramBytes: 1, pcieGBps: 1 })).toBeNull();
  });

  test.each([
    ['fma avx2 avx512f avx512bw avx512dq avx512vl avx512_vnni', 'x64', 'avx512vnni'],
    ['fma avx2 avx512f avx512bw avx512dq avx512vl', 'x64', 'avx512'],
    ['fma avx2 avx_vnni', 'x64', 'avxvnni'],
    ['sse4_2 fma avx2', 'x64', 'avx2'],
    ['sse4_2 avx', 'x64', 'baseline'],
    ['fp asimd', 'arm64', 'neon'],
  ])('CPU flags %s on %s are %s', (flags, arch, level) => {
    expect(cpuLevelOf(`processor\t: 0\nflags\t\t: ${flags}\nbugs\t\t: none\n`, arch)).toBe(level);
  });

  test('no cpuinfo gives what the architecture guarantees', () => {
    expect(cpuLevelOf('', 'x64')).toBe('baseline');
    expect(cpuLevelOf('', 'arm64')).toBe('neon');
  });
});
