export { createNode } from './daemon.ts';
