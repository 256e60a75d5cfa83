import { assertPortFree, endpointOfMultiaddr } from '../data-dir/ports.ts';
import { readRunFile } from '../data-dir/run-file.ts';
import { NodeError } from '../errors.ts';
import { type Check, type DoctorInput, fail, ok } from './check.ts';

export const checkPorts: Check = {
  name: 'ports',
  async run({ config }: DoctorInput) {
    // Its own daemon has them, as it should.
    if ((await readRunFile(config.dataDir)) !== null) return [ok('in use by the running node')];
    const wanted = [
      { endpoint: config.gateway, flag: '--gateway' },
      { endpoint: config.metrics, flag: '--metrics' },
      ...config.listen.map((multiaddr) => ({ endpoint: endpointOfMultiaddr(multiaddr), flag: '--listen' })),
    ];
    const findings = [];
    for (const { endpoint, flag } of wanted) {
      if (endpoint === null) continue;
      try {
        await assertPortFree(endpoint, flag);
      } catch (error) {
        if (!(error instanceof NodeError)) throw error;
        findings.push(fail(error.message, `Stop the other program, or set ${flag}.`));
      }
    }
    return findings.length > 0 ? findings : [ok('free')];
  },
};
