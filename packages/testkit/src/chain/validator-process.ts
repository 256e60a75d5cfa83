import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromValidator, ToValidator, ValidatorSetup } from './validator-messages.ts';

export type ValidatorReport = Extract<FromValidator, { type: 'head' }>;
const MAIN = fileURLToPath(new URL('./validator-main.ts', import.meta.url));

/** A node of a chain in a process of its own. */
export class ValidatorProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #listeners = new Set<(message: FromValidator) => void>();
  #last: ValidatorReport | null = null;
  #port = 0;

  /** Settles when its chain is open. */
  static async start(setup: ValidatorSetup): Promise<ValidatorProcess> {
    const validator = new ValidatorProcess(setup);
    await validator.ready();
    return validator;
  }

  /** @param around - a command that runs the validator's, which comes as its last arguments */
  constructor(setup: ValidatorSetup, around: readonly string[] = []) {
    const [command = '', ...args] = [...around, process.execPath, MAIN, JSON.stringify(setup)];
    this.#child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (message: FromValidator) => {
      if (message.type === 'head') this.#last = message;
      for (const listener of [...this.#listeners]) listener(message);
    });
  }

  get port(): number {
    return this.#port;
  }

  /** The newest report; null before the first. */
  get last(): ValidatorReport | null {
    return this.#last;
  }

  /** Settles when its chain is open; rejects when it ends before. */
  async ready(): Promise<void> {
    const ready = await this.#next((message) => message.type === 'ready');
    this.#port = (ready as Extract<FromValidator, { type: 'ready' }>).port;
  }

  /** The newest report, or a fresh one. */
  async report(): Promise<ValidatorReport> {
    const next = this.#next((message) => message.type === 'head');
    this.#send({ type: 'report' });
    return (await next) as ValidatorReport;
  }

  /** What a round trip to its peers takes now, milliseconds. */
  async roundTripMs(): Promise<number> {
    const next = this.#next((message) => message.type === 'round-trip');
    this.#send({ type: 'ping' });
    return ((await next) as Extract<FromValidator, { type: 'round-trip' }>).rttMs;
  }

  /** Settles with the first report, the newest included, that is so. */
  async until(isSo: (report: ValidatorReport) => boolean): Promise<ValidatorReport> {
    if (this.#last !== null && isSo(this.#last)) return this.#last;
    return (await this.#next((message) => message.type === 'head' && isSo(message))) as ValidatorReport;
  }

  /** Calls with every report. @returns what ends it */
  onReport(listener: (report: ValidatorReport) => void): () => void {
    const heard = (message: FromValidator): void => {
      if (message.type === 'head') listener(message);
    };
    this.#listeners.add(heard);
    return () => this.#listeners.delete(heard);
  }

  /** @returns the codes of those that were refused */
  async submit(records: readonly Uint8Array[]): Promise<readonly string[]> {
    const next = this.#next((message) => message.type === 'submitted');
    this.#send({ type: 'submit', records: records.map((record) => Buffer.from(record).toString('base64')) });
    return ((await next) as Extract<FromValidator, { type: 'submitted' }>).codes;
  }

  /** Ends the process of the validator itself, whatever runs it. */
  end(): void {
    this.#send({ type: 'end' });
  }

  /** Like a power failure. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  #send(message: ToValidator): void {
    this.#child.send(message);
  }

  #next(isIt: (message: FromValidator) => boolean): Promise<FromValidator> {
    return new Promise((resolve, reject) => {
      const listener = (message: FromValidator): void => {
        if (!isIt(message)) return;
        this.#listeners.delete(listener);
        this.#child.off('exit', gone);
        resolve(message);
      };
      const gone = (): void => reject(new Error('the validator has ended'));
      this.#listeners.add(listener);
      this.#child.once('exit', gone);
    });
  }
}
