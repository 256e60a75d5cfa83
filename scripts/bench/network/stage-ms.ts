import type { RouteEntry } from '@blyan/interface';

/** Computing time per step in milliseconds, summed over the stages. @throws Error unless there are so many stages */
export function stageMs(route: readonly RouteEntry[], stageCount: number): number {
  const stages = route.filter(({ role }) => role === 'stage');
  if (stages.length !== stageCount) throw new Error(`the pipeline has ${stages.length} stages, not ${stageCount}`);
  return stages.reduce((sum, { ms, calls }) => sum + ms / calls, 0);
}
