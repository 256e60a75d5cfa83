import { ApiClient } from '@blyan/api';

/** The gateway this page came from. */
export const client = new ApiClient({ baseUrl: '' });
