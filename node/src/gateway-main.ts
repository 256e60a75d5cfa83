import { GATEWAY_PROGRAM } from './cli/gateway-program.ts';
import { runProcess } from './cli/run-process.ts';

await runProcess(GATEWAY_PROGRAM, import.meta.url);
