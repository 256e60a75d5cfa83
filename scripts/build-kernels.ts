/** Compiles the engine's SIMD kernels to packages/inference/kernels/kernels.wasm. */
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const folder = fileURLToPath(new URL('../packages/inference/kernels/', import.meta.url));
const { error, stderr } = await asc.main([
  `${folder}kernels.as.ts`,
  ...['--outFile', `${folder}kernels.wasm`],
  ...['-O3', '--runtime', 'stub', '--noAssert', '--enable', 'simd', '--enable', 'relaxed-simd'],
  // One memory for all threads of an engine; 65,536 pages are the most there can be.
  ...['--importMemory', '--sharedMemory', '--maximumMemory', '65536', '--enable', 'threads', '--enable', 'bulk-memory'],
]);
if (error) throw new Error(`the kernels did not compile: ${error.message}\n${stderr.toString()}`);
