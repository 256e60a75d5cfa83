import { existsSync } from 'node:fs';
import { join, sep } from 'node:path';
import { PAGE_PATHS } from '@blyan/api';
import fastifyStatic from '@fastify/static';
import type { FastifyPluginAsync } from 'fastify';
import { GatewayError } from '../errors.ts';

/** The web page at its paths: its hashed assets may be cached for ever, the page itself never. */
export const pageRoutes =
  (webDir: string): FastifyPluginAsync =>
  async (app) => {
    if (!existsSync(join(webDir, 'index.html'))) {
      for (const path of Object.values(PAGE_PATHS))
        app.get(path, () => {
          throw new GatewayError(
            'ERR_GATEWAY_PAGE_MISSING',
            'The web page is not built: run "npm run prepare" in the repository. The API at /v1 works without it.',
          );
        });
      return;
    }
    await app.register(fastifyStatic, {
      root: webDir,
      // One route per file: every other path gets our own 404.
      wildcard: false,
      preCompressed: true,
      cacheControl: false,
      setHeaders: (reply, path) => {
        const isAsset = path.includes(`${sep}assets${sep}`);
        reply.header('cache-control', isAsset ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
    // What the path means is for the page to say. `/` is a file already.
    for (const path of Object.values(PAGE_PATHS).filter((one) => one !== PAGE_PATHS.chat))
      app.get(path, (_request, reply) => reply.sendFile('index.html'));
  };
