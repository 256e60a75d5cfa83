export { dialLane } from './dial-lane.ts';
export { Lane, type LaneHandlers, type LaneOptions } from './lane.ts';
export type { LaneInvitation } from './lane-door.ts';
export { Lanes, type LanesHandlers, type LanesOptions } from './lanes.ts';
