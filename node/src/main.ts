import { NODE_PROGRAM } from './cli/node-program.ts';
import { runProcess } from './cli/run-process.ts';

await runProcess(NODE_PROGRAM, import.meta.url);
