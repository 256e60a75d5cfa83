import { API_LIMITS, API_ROUTES } from '@blyan/api';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { claimOf } from '../claim-of.ts';
import type { GatewayContext } from '../context.ts';
import { GatewayError } from '../errors.ts';
import { resumeAnswer } from '../resume-answer.ts';

const params = z.object({ id: z.string().regex(/^[0-9a-f]{32}$/, 'Expected 32 hexadecimal digits') });
const query = z.object({ after: z.string().optional() });

/** `GET /api/v1/requests/{id}/stream`: a streamed answer goes on where its client lost it. */
export const resumeRoutes =
  (context: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    const schema = { params, querystring: query };
    // No HEAD: it would compute.
    app.get(API_ROUTES.resume.path, { schema, exposeHeadRoute: false }, (request, reply) =>
      resumeAnswer(
        claimOf(request, request.params.id),
        positionOf(request, request.query.after),
        request,
        reply,
        context,
      ),
    );
    done();
  };

/** A client that reconnects by itself sends the header, and the address it began with. */
function positionOf(request: FastifyRequest, after: string | undefined): number {
  const header = request.headers['last-event-id'];
  const text = (typeof header === 'string' && header !== '' ? header : after) ?? '0';
  const position = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (position <= API_LIMITS.eventId) return position;
  throw new GatewayError(
    'ERR_GATEWAY_REQUEST_INVALID',
    `after: Expected the id of an event, a number from 0 to ${API_LIMITS.eventId}`,
    { kind: 'caller', meta: { param: 'after' } },
  );
}
