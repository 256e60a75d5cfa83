/** Longest event a reader accepts, in UTF-16 units; a base64 logits row of a large vocabulary is the largest we send. */
const MAX_EVENT_LENGTH = 16 * 1024 * 1024;

/**
 * One server-sent event. Named only for clients that want it: some take a named one for a broken chunk. An id is what a
 * reader sends back as `Last-Event-ID`.
 */
export const sseData = (payload: string, id?: number, name?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}${name === undefined ? '' : `event: ${name}\n`}data: ${payload}\n\n`;

/** A line every reader skips; keeps proxies from closing a quiet stream. */
export const SSE_PING = ': ping\n\n';

/** Marks the end of an OpenAI stream. */
export const SSE_DONE = '[DONE]';

export interface SseEvent {
  readonly data: string;
  /** Of the last event that had one, this one included; empty before. */
  readonly lastEventId: string;
}

/**
 * Yields each event of a byte stream that has data, whatever the chunk borders cut (lines, CRLF, UTF-8 sequences).
 * Comments and other fields are skipped, an unfinished last event is dropped as the specification says.
 * Source: WHATWG HTML, section 9.2.6.
 *
 * @throws RangeError when one event is longer than 16 Mi units.
 */
export async function* readSseEvents(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<SseEvent> {
  const decoder = new TextDecoder();
  /** Of a line that has not ended: it is not searched again, so that a long one costs no more than its length. */
  let rest = '';
  let data: string[] = [];
  let size = 0;
  let lastEventId = '';
  let id = '';
  let isAfterCr = false;
  for await (const chunk of bytes) {
    let text = decoder.decode(chunk, { stream: true });
    if (text === '') continue;
    if (isAfterCr && text.startsWith('\n')) text = text.slice(1);
    isAfterCr = text.endsWith('\r');
    let from = 0;
    for (const { index, 0: lineEnd } of text.matchAll(/\r\n?|\n/g)) {
      const line = rest + text.slice(from, index);
      rest = '';
      from = index + lineEnd.length;
      if (line === '') {
        lastEventId = id;
        if (data.length > 0) yield { data: data.join('\n'), lastEventId };
        data = [];
        size = 0;
      } else if (line.startsWith('data:')) {
        size += line.length;
        data.push(fieldValue(line, 5));
      } else if (line.startsWith('id:')) {
        const value = fieldValue(line, 3);
        if (!value.includes('\0')) id = value;
      }
    }
    rest += text.slice(from);
    if (size + rest.length > MAX_EVENT_LENGTH) throw new RangeError('An event of the stream is too long');
  }
}

/** As `readSseEvents`, the data alone. */
export async function* readSse(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  for await (const { data } of readSseEvents(bytes)) yield data;
}

function fieldValue(line: string, from: number): string {
  return line.slice(line[from] === ' ' ? from + 1 : from);
}
