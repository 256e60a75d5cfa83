import { ApiClient, ApiClientError } from '@blyan/api';
import { headOrRefusal } from '../ask-chain.ts';
import type { CommandHandler } from '../command.ts';
import { findGateway } from '../find-gateway.ts';
import { inTime } from '../in-time.ts';
import { print, printable, printJson, table } from '../output.ts';
import { movement, validatorsOf } from '../show-chain.ts';

const SHOWN_MISSING = 8;

/** Models and coverage of the network; exit code 0 also when it is not ready, because the question was answered. */
export const status: CommandHandler = async (context, input) => {
  const baseUrl = await findGateway(context, input);
  const signal = inTime(context);
  const client = new ApiClient({ baseUrl });
  const state = await client.state(signal);
  const head = await headOrRefusal(client, signal);
  const refused = head instanceof ApiClientError;
  if (input.options.json === true) return printJson(context, { ...state, chain: refused ? null : head });
  print(context, `gateway   ${baseUrl}`);
  print(context, `network   ${printable(state.networkId)}`);
  print(context, `this node ${printable(state.peerId)}, version ${printable(state.version)}`);
  print(context, `nodes     ${state.nodes.length}`);
  print(context, `ready     ${state.notReady === null ? 'yes' : `no: ${printable(state.notReady)}`}`);
  if (refused) print(context, `chain     ${printable(head.message)}`);
  else print(context, `chain     height ${head.height}, ${validatorsOf(head)}; ${movement(head)}`);
  const rows = state.models.map((model) => {
    const missing = model.missing.slice(0, SHOWN_MISSING).map(printable).join(' ');
    const more = model.missing.length - SHOWN_MISSING;
    return [
      printable(model.name),
      model.root.slice(0, 12),
      String(model.blocks),
      model.covered ? 'complete' : `missing ${missing}${more > 0 ? ` and ${more} more` : ''}`,
    ];
  });
  print(context, '');
  print(context, rows.length === 0 ? 'no models' : table([['MODEL', 'ROOT', 'BLOCKS', 'COVERAGE'], ...rows]));
};
