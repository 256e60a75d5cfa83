/** The instruction sets that decide which kernels a CPU runs, and so the bits of a result. */
export type CpuLevel = 'avx512vnni' | 'avx512' | 'avxvnni' | 'avx2' | 'neon' | 'baseline';

/**
 * The CPU level from the text of `/proc/cpuinfo` (its first processor's `flags` or `Features`) and Node's
 * `process.arch`. Text that says nothing gives what the architecture guarantees.
 */
export function cpuLevelOf(cpuinfo: string, arch: string): CpuLevel {
  if (arch === 'arm64') return 'neon';
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo.slice(0, 1_048_576));
  const flags = new Set((line?.[1] ?? '').trim().split(/\s+/));
  const has = (...wanted: string[]) => wanted.every((flag) => flags.has(flag));
  if (has('neon') || has('asimd')) return 'neon';
  const avx512 = has('avx512f', 'avx512bw', 'avx512dq', 'avx512vl');
  if (avx512 && has('avx512_vnni')) return 'avx512vnni';
  if (avx512) return 'avx512';
  if (has('avx2', 'fma', 'avx_vnni')) return 'avxvnni';
  if (has('avx2', 'fma')) return 'avx2';
  return 'baseline';
}
