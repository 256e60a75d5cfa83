import { type AddressInfo, createServer } from 'node:net';
import { ApiClient } from '@blyan/api';
import { expect, onTestFinished, test } from 'vitest';
import { inTime } from '../src/cli/in-time.ts';

test('a gateway that says nothing is an error with a sentence, unless the command ends first', async () => {
  const mute = createServer();
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void mute.close());
  const client = new ApiClient({ baseUrl: `http://127.0.0.1:${(mute.address() as AddressInfo).port}` });
  const command = new AbortController();
  await expect(client.state(inTime(command, 20))).rejects.toMatchObject({
    code: 'ERR_NODE_GATEWAY',
    message: expect.stringContaining('within 0.02 s'),
  });
  const asking = client.state(inTime(command));
  command.abort(new Error('Ctrl-C'));
  await expect(asking).rejects.toThrow('Ctrl-C');
});
