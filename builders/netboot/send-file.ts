/** A file over HTTP, whole or one range of it (RFC 9110, section 14). */
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import type { TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import parseRange from 'range-parser';
import type { Context } from '../../vse/report.ts';
import { task } from '../../vse/report.ts';
import type { PublishedFile } from './published.ts';

export interface SentFile extends PublishedFile {
  readonly name: string;
  /** Who gets it, for the task's label. */
  readonly client: string;
}

interface Part {
  readonly status: 200 | 206;
  /** First and last byte. */
  readonly start: number;
  readonly end: number;
}

/** Which part is asked for; `undefined` when it lies outside. What is no single range is ignored. */
function partOf({ headers }: IncomingMessage, size: number, etag: string): Part | undefined {
  const whole: Part = { status: 200, start: 0, end: size - 1 };
  const stale = headers['if-range'] !== undefined && headers['if-range'] !== etag;
  if (headers.range === undefined || stale) return whole;
  const ranges = parseRange(size, headers.range);
  if (ranges === -1) return undefined;
  const [only, ...others] = ranges === -2 || ranges.type !== 'bytes' ? [] : ranges;
  return only && others.length === 0 ? { status: 206, ...only } : whole;
}

let transfers = 0;

/** Sends the file; `count` hears how many bytes went. Rejects when the client breaks off. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: SentFile,
  ctx: Context,
  count: (bytes: number) => void,
): Promise<void> {
  const etag = `"${file.sha256}"`;
  const common = {
    'Accept-Ranges': 'bytes',
    'Content-Type': 'application/octet-stream',
    ETag: etag,
  };
  const part = partOf(request, file.size, etag);
  if (!part) {
    response.writeHead(416, { ...common, 'Content-Range': `bytes */${file.size}` }).end();
    return;
  }
  const { status, start, end } = part;
  const length = end - start + 1;
  response.writeHead(status, {
    ...common,
    'Content-Length': length,
    ...(status === 206 && { 'Content-Range': `bytes ${start}-${end}/${file.size}` }),
  });
  if (request.method === 'HEAD' || length === 0) {
    response.end();
    return;
  }
  const label = `${file.name} to ${file.client}`;
  await task(
    ctx.report,
    `send:${++transfers}`,
    label,
    async (advance) => {
      let sent = 0;
      const counter = new Transform({
        transform(chunk: Buffer, _encoding, done: TransformCallback) {
          sent += chunk.length;
          count(sent);
          advance(sent, length);
          done(null, chunk);
        },
      });
      const source = createReadStream(file.path, { start, end, highWaterMark: 1 << 18 });
      await pipeline(source, counter, response);
    },
    { total: length, unit: 'bytes' },
  );
}
