import { z } from 'zod';
import { ethereumAccount, keyFields, keyRequest } from './auth.ts';

/** Query of `GET /api/v1/operator/keys`: of one account; without one the newest of all. */
export const operatorKeysQuery = z.object({ account: ethereumAccount.optional() });

/** Answer of `GET /api/v1/operator/keys`: the newest first, at most 1,000. */
export const operatorKeyList = z.object({ data: z.array(z.object({ ...keyFields, account: z.string() })) });
export type OperatorKeyList = z.infer<typeof operatorKeyList>;

/** Body of `POST /api/v1/operator/keys`. */
export const operatorKeyRequest = keyRequest.extend({ account: ethereumAccount });

/** Query of `DELETE /api/v1/operator/keys/{id}`: whose the key is. */
export const operatorKeyOwner = z.object({ account: ethereumAccount });
