import { modelList } from '@blyan/api';
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { startGateway } from './harness.ts';
import { MODEL_ROOT, otherRoot, servedModel } from './scripted-coordinator.ts';

test('the openai client lists and retrieves models, by name and by root', async () => {
  const { client, url } = await startGateway();
  const listed = [];
  for await (const model of client.models.list()) listed.push(model);
  expect(listed).toMatchObject([{ id: 'golden', object: 'model', created: 1_780_000_000, owned_by: 'blyan' }]);
  expect(await client.models.retrieve('golden')).toMatchObject({ id: 'golden', blyan: { root: MODEL_ROOT } });
  expect(await client.models.retrieve(MODEL_ROOT)).toMatchObject({ id: MODEL_ROOT });
  expect(() => modelList.parse({})).toThrow();
  modelList.parse(await (await fetch(`${url}/v1/models`)).json());
});

test('a name with a slash is found encoded and not encoded', async () => {
  const { client, coordinator, url } = await startGateway();
  coordinator.served = [servedModel({ name: 'org/model@1.2' })];
  expect(await client.models.retrieve('org/model@1.2')).toMatchObject({ id: 'org/model@1.2' });
  expect((await fetch(`${url}/v1/models/org/model@1.2`)).status).toBe(200);
  expect((await fetch(`${url}/v1/models/org%2Fmodel%401.2`)).status).toBe(200);
});

test('a second model of the same name is listed and reached by its root', async () => {
  const { client, coordinator } = await startGateway();
  const second = servedModel({ root: otherRoot() });
  coordinator.served = [servedModel(), second];
  const ids = (await client.models.list()).data.map(({ id }) => id);
  expect(ids).toEqual(['golden', second.root]);
  expect(await client.models.retrieve(second.root)).toMatchObject({ blyan: { root: second.root } });
});

test.each(['nothing', 'x'.repeat(600), otherRoot(), '%'])('an unknown model is a NotFoundError: %s', async (id) => {
  const { client } = await startGateway();
  const error = await client.models.retrieve(id).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(OpenAI.NotFoundError);
  expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model', type: 'invalid_request_error' });
});
