import { API_ROUTES } from '@blyan/api';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyPluginAsync } from 'fastify';
import { openApiDocument, type RouteList } from '../openapi/document.ts';

/** Where people read the document. */
const VIEWER_PATH = '/docs';

/** The API's description, and a viewer of it that loads nothing from elsewhere. */
export const openApiRoutes =
  (routes: RouteList, version: string): FastifyPluginAsync =>
  async (app) => {
    // Made when somebody asks: a daemon that starts has other things to do.
    let made: object | undefined;
    const document = () => {
      made ??= openApiDocument(routes, version);
      return made;
    };
    app.get(API_ROUTES.openapi.path, () => document());
    await app.register(swagger, { mode: 'static', specification: { document: {} as never } });
    await app.register(swaggerUi, {
      routePrefix: VIEWER_PATH,
      transformSpecification: document as never,
      transformSpecificationClone: false,
      theme: { title: 'Blyan gateway' },
      uiConfig: { layout: 'BaseLayout', docExpansion: 'list', tryItOutEnabled: true },
    });
  };
