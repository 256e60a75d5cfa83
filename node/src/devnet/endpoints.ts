import { type Endpoint, formatEndpoint, parseEndpoint } from '../config/endpoint.ts';
import { DEFAULT_GATEWAY, DEFAULT_METRICS } from '../config/settings.ts';
import { assertPortFree, isPortFree } from '../data-dir/ports.ts';

const ANY_PORT = '127.0.0.1:0';

async function freeDefault(text: string): Promise<string> {
  return (await isPortFree(parseEndpoint(text, 'default') as Endpoint)) ? text : ANY_PORT;
}

/**
 * Where the coordinator serves HTTP: what was asked for or, unasked, the usual port if it is free.
 * @throws ERR_NODE_PORT_TAKEN when the port that was asked for is taken
 */
export async function chooseGateway(asked: Endpoint | undefined, report: (text: string) => void): Promise<string> {
  if (asked !== undefined) {
    await assertPortFree(asked, '--gateway');
    return formatEndpoint(asked);
  }
  const chosen = await freeDefault(DEFAULT_GATEWAY);
  if (chosen === ANY_PORT) report(`${DEFAULT_GATEWAY} is taken by another program; the gateway takes a free port.`);
  return chosen;
}

/**
 * Where the coordinator serves metrics: the usual port, if it is free, beside a gateway on its usual port. Whoever chose
 * the gateway's port may be starting several networks at once, which must not race for one port: those get any.
 */
export async function chooseMetrics(gateway: string): Promise<string> {
  return gateway === DEFAULT_GATEWAY ? await freeDefault(DEFAULT_METRICS) : ANY_PORT;
}
