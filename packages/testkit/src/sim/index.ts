export { PLANTS, type Plant } from './plants.ts';
export { LIVENESS_BOUND_MS, runSeed, type SeedOptions, type SeedResult } from './run-seed.ts';
