import type { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { BrokenStream, FAMILIES, type Family, type Progress } from './families.ts';
import { codeOf, type Exchange, exchange, keptConnection, textOf } from './http.ts';
import type { Question } from './messages.ts';
import type { Client } from './world.ts';

/** Longest from the first try to the first byte of the answer; who waits longer was not served. */
const LONGEST_WAIT_MS = 60_000;
const AWAY_PAUSE_MS = 250;
/** Closed between two requests, as a server may. */
const STALE = new Set(['ECONNRESET', 'EPIPE']);

/** Asks, reads, thinks, asks again; comes back after as long as it is told to. */
export async function goodClient(client: Client): Promise<void> {
  const { orders } = client.world;
  const agent = client.below(2) === 0 ? keptConnection() : undefined;
  // They did not all come at once.
  await delay(client.random.uniform() * orders.thinkMs, undefined, { signal: client.world.ending }).catch(() => {});
  while (!client.isOver) {
    await new GoodRequest(client, client.pick(orders.questions), client.pick(FAMILIES), agent).run();
    await client.pause(orders.thinkMs);
  }
  agent?.destroy();
}

class GoodRequest {
  readonly #client: Client;
  readonly #question: Question;
  readonly #family: Family;
  readonly #agent: Agent | undefined;
  readonly #beganMs = performance.now();
  #progress: Progress = { text: '', position: '0' };
  /** The right to go on with the answer. */
  #id: string | null = null;
  #refusals = 0;
  #resumes = 0;
  #waitMs: number | null = null;
  #firstByteMs = 0;

  constructor(client: Client, question: Question, family: Family, agent: Agent | undefined) {
    this.#client = client;
    this.#question = question;
    this.#family = family;
    this.#agent = agent;
  }

  async run(): Promise<void> {
    const { tally } = this.#client.world;
    tally.asked++;
    for (let isDone = false; !isDone; ) {
      if (this.#soFarMs > 2 * LONGEST_WAIT_MS) return this.#complain('was not served for too long');
      try {
        isDone = await this.#attempt();
      } catch (error) {
        if (!(await this.#mayTryAgain(error))) return this.#complain(`was cut off: ${codeOf(error)}`);
      }
    }
  }

  /** Whether that was the end of it. */
  async #attempt(): Promise<boolean> {
    const triedMs = performance.now();
    const { response } = await this.#send();
    const { statusCode: status = 0, headers } = response;
    if (status !== 200) {
      const text = await textOf(response);
      const code = /ERR_[A-Z_]+|rate_limit_exceeded|answer_not_found/.exec(text)?.[0] ?? '';
      const after = Number(headers['retry-after']);
      this.#client.world.tally.refused(`${status} ${code}`);
      if ((status !== 429 && status !== 503) || !(after > 0) || code === 'rate_limit_exceeded') {
        this.#complain(`was told ${status} ${text.slice(0, 200)}, retry-after ${headers['retry-after']}`);
        return true;
      }
      this.#refusals++;
      await delay(after * 1000);
      return false;
    }
    this.#id ??= String(headers['x-request-id']);
    if (this.#waitMs === null) {
      this.#waitMs = this.#soFarMs;
      this.#firstByteMs = performance.now() - triedMs;
    }
    const text = await this.#family.read(response, this.#progress);
    if (text !== this.#question.answer) {
      this.#complain(`was told ${JSON.stringify(text)} and alone ${JSON.stringify(this.#question.answer)}`);
    } else {
      const [refusals, resumes] = [this.#refusals, this.#resumes];
      const { name: family } = this.#family;
      if (this.#waitMs > LONGEST_WAIT_MS) this.#complain(`waited ${Math.round(this.#waitMs / 1000)} s`);
      const served = { family, waitMs: this.#waitMs, firstByteMs: this.#firstByteMs, refusals, resumes };
      this.#client.world.tally.served.push(served);
    }
    return true;
  }

  #send(): Promise<Exchange> {
    const { world, address: from } = this.#client;
    const { gateway } = world.orders;
    if (this.#isBegun) {
      this.#resumes++;
      const url = `${gateway}/api/v1/requests/${this.#id}/stream?after=${this.#progress.position}`;
      return exchange(url, { from, method: 'GET' });
    }
    const body = this.#family.body(this.#question.text, world.orders);
    return exchange(gateway + this.#family.path, { from, body, agent: this.#agent });
  }

  /** Its stream is resumed, not asked for again. */
  get #isBegun(): boolean {
    return this.#id !== null && this.#family.canResume === true;
  }

  /** Without the time that the gateway was away for a restart. */
  get #soFarMs(): number {
    return performance.now() - this.#beganMs - this.#client.world.awayMsSince(this.#beganMs);
  }

  /** Only what a restart explains, and a kept connection that was closed meanwhile. */
  async #mayTryAgain(error: unknown): Promise<boolean> {
    const { world } = this.#client;
    const wasAway = world.wasAwaySince(this.#beganMs);
    if (wasAway) {
      const what = error instanceof BrokenStream ? 'broken stream' : codeOf(error);
      world.tally.refused(`restart: ${what}`);
      await delay(AWAY_PAUSE_MS);
      if (!this.#isBegun) this.#progress = { text: '', position: '0' };
      return true;
    }
    const isStale = this.#agent !== undefined && this.#id === null && STALE.has(codeOf(error));
    if (isStale) world.tally.refused('stale connection');
    return isStale;
  }

  #complain(what: string): void {
    this.#client.world.tally.complain(`${this.#family.name}, "${this.#question.text}": ${what}`);
  }
}
