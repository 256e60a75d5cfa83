import type { PeerId } from '@blyan/interface';
import { MAX_SEQUENCE_TOKENS, MAX_STEP_ROWS } from '@blyan/params';
import { InferenceError } from './errors.ts';

/**
 * The frames that carry rows: little-endian 32-bit words, then raw f32 rows. Offsets are multiples of four, so a
 * receiver reads them without unpacking.
 */
const STEP_MAGIC = 0x32505453; // "STP2"
const EXPERTS_MAGIC = 0x31505845; // "EXP1"
const OUTPUT_MAGIC = 0x3154554f; // "OUT1"
const ID_WORDS = 4;
const ROOT_WORDS = 8;
const STEP_WORDS = 5 + ID_WORDS;
export const STEP_HEAD_BYTES = STEP_WORDS * 4;

/** What a step is and whom it is for. */
export interface StepHead {
  /** 32 hexadecimal digits. */
  readonly requestId: string;
  /** First layer of the stage it goes to, which names the stage within its request. */
  readonly layer: number;
  /** Grows with every re-route and every draft that fell: what is older than the newest seen is void. */
  readonly epoch: number;
  /** Position of the first row. */
  readonly position: number;
  /** How many of the last rows the last stage returns to the coordinator; the others only fill KV caches. */
  readonly wanted: number;
}

/** Rows of one step on their way to a stage, or back to the coordinator (`layer` = RESULT). */
export interface StepFrame extends StepHead {
  /** [rows, hidden] */
  readonly rows: Float32Array<ArrayBuffer>;
}

export const RESULT = 0xffff;

export function encodeStep(frame: StepFrame): readonly Uint8Array[] {
  return [encodeStepHead(frame), bytesOf(frame.rows)];
}

export function encodeStepHead(head: StepHead): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(STEP_WORDS);
  words[0] = STEP_MAGIC;
  words[1] = head.layer;
  words[2] = head.epoch;
  words[3] = head.position;
  words[4] = head.wanted;
  writeHex(words, 5, head.requestId);
  return bytesOf(words);
}

/** Without its rows: most that can be said against a frame takes no copy of them. @throws InferenceError ERR_INFERENCE_FRAME */
export function decodeStepHead(bytes: Uint8Array): StepHead {
  const words = header(bytes, STEP_WORDS, STEP_MAGIC);
  const [, layer = 0, epoch = 0, position = 0, wanted = 0] = words;
  if (layer > RESULT || position > MAX_SEQUENCE_TOKENS || wanted > MAX_STEP_ROWS)
    throw malformed('a step is out of range');
  return { requestId: readHex(words, 5, ID_WORDS), layer, epoch, position, wanted };
}

/** The rows behind the head of a step. @throws InferenceError ERR_INFERENCE_FRAME */
export function stepRows(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  return floats(bytes, STEP_HEAD_BYTES);
}

/** @throws InferenceError ERR_INFERENCE_FRAME */
export function decodeStep(bytes: Uint8Array): StepFrame {
  return { ...decodeStepHead(bytes), rows: stepRows(bytes) };
}

export interface ExpertGroup {
  readonly expert: number;
  /** Indices into the rows of the call. */
  readonly rows: readonly number[];
}

/** Rows for experts of one layer. */
export interface ExpertsFrame {
  readonly modelRoot: string;
  readonly layer: number;
  readonly groups: readonly ExpertGroup[];
  readonly rows: Float32Array<ArrayBuffer>;
}

export function encodeExperts(frame: ExpertsFrame): readonly Uint8Array[] {
  const words = [EXPERTS_MAGIC, frame.layer, frame.groups.length];
  for (const { expert, rows } of frame.groups) words.push(expert, rows.length, ...rows);
  const head = new Uint32Array(ROOT_WORDS + 1 + words.length);
  // The length of the header in words comes first of all.
  head[0] = head.length;
  writeHex(head, 1, frame.modelRoot);
  head.set(words, 1 + ROOT_WORDS);
  return [bytesOf(head), bytesOf(frame.rows)];
}

/** @throws InferenceError ERR_INFERENCE_FRAME */
export function decodeExperts(bytes: Uint8Array): ExpertsFrame {
  const length = bytes.byteLength >= 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) : 0;
  if (length < ROOT_WORDS + 4 || length * 4 > bytes.byteLength) throw malformed('an expert call is cut off');
  const words = new Uint32Array(new Uint8Array(bytes.subarray(0, length * 4)).buffer);
  let at = 1 + ROOT_WORDS;
  const next = (bound: number): number => {
    const value = words[at++];
    if (value === undefined || value > bound) throw malformed('an expert call is out of range');
    return value;
  };
  if (next(0xffffffff) !== EXPERTS_MAGIC) throw malformed('an expert call has a wrong magic number');
  const layer = next(0xffff);
  const groups = Array.from({ length: next(0xffff) }, () => {
    const expert = next(0xffff);
    const count = next(MAX_STEP_ROWS * 32);
    if (count === 0 || at + count > words.length) throw malformed('an expert call lists rows that are not there');
    const rows = Array.from(words.subarray(at, at + count));
    at += count;
    return { expert, rows };
  });
  if (at !== words.length) throw malformed('an expert call has words to spare');
  return { modelRoot: readHex(words, 1, ROOT_WORDS), layer, groups, rows: floats(bytes, words.byteLength) };
}

/** Rows that answer a call, and the milliseconds they took to compute. */
export interface OutputFrame {
  readonly ms: number;
  readonly rows: Float32Array<ArrayBuffer>;
}

export function encodeOutput({ ms, rows }: OutputFrame): readonly Uint8Array[] {
  return [bytesOf(new Uint32Array([OUTPUT_MAGIC, Math.round(ms * 1000)])), bytesOf(rows)];
}

/** @throws InferenceError ERR_INFERENCE_FRAME */
export function decodeOutput(bytes: Uint8Array): OutputFrame {
  const words = header(bytes, 2, OUTPUT_MAGIC);
  return { ms: (words[1] as number) / 1000, rows: floats(bytes, words.byteLength) };
}

/** The key of one stage of one request on the node that runs it; a stage is named by its first layer. */
export function sequenceId(requestId: string, layer: number, coordinator: PeerId): string {
  return `${coordinator}/${requestId}/${layer}`;
}

function bytesOf(words: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function header(bytes: Uint8Array, length: number, magic: number): Uint32Array {
  if (bytes.byteLength < length * 4) throw malformed('it is cut off');
  const words = new Uint32Array(new Uint8Array(bytes.subarray(0, length * 4)).buffer);
  if (words[0] !== magic) throw malformed('its magic number is wrong');
  return words;
}

/** Rows where they lie: the body of a frame has a buffer of its own. Copied only where they do not lie at whole words. */
function floats(bytes: Uint8Array, from: number): Float32Array<ArrayBuffer> {
  if ((bytes.byteLength - from) % 4 !== 0) throw malformed('its rows are not whole numbers');
  const { buffer, byteOffset, byteLength } = bytes as Uint8Array<ArrayBuffer>;
  if ((byteOffset + from) % 4 === 0) return new Float32Array(buffer, byteOffset + from, (byteLength - from) / 4);
  return new Float32Array(new Uint8Array(bytes.subarray(from)).buffer);
}

function writeHex(words: Uint32Array, at: number, hex: string): void {
  for (let i = 0; i * 8 < hex.length; i++) words[at + i] = Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16);
}

function readHex(words: Uint32Array, at: number, count: number): string {
  let hex = '';
  for (let i = at; i < at + count; i++) hex += (words[i] as number).toString(16).padStart(8, '0');
  return hex;
}

function malformed(what: string): InferenceError {
  return new InferenceError('ERR_INFERENCE_FRAME', `A peer sent a malformed inference frame: ${what}.`, {
    kind: 'peer',
  });
}
