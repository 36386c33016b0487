/** Numbers as people read them, and back. */
import { readSize } from '../vse/size.ts';

const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** `139 MB`; `bytes` is rendered with three significant digits in decimal units. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < DECIMAL.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : value >= 9.95 ? 1 : 2;
  return `${value.toFixed(digits)} ${DECIMAL[unit]}`;
}

/** `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (n: number) => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

/** `1 package`, `2 packages`, `0 entries`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** Bytes of `512MiB`, `2G` (binary), `1.5 GB`, `4096`; undefined when it is no size. */
export function parseSize(text: string): number | undefined {
  const match = /^([\d.]+ ?)([kmgt]?)$/i.exec(text);
  const prefix = match?.[2]?.toUpperCase();
  return readSize(match ? `${match[1]}${prefix ? `${prefix}iB` : 'B'}` : text);
}

const TIME_UNITS = new Map(
  Object.entries({
    '': 1,
    s: 1,
    m: 60,
    min: 60,
    h: 3600,
    d: 86400,
    w: 604800,
  }),
);

/** Seconds of `90`, `90s`, `5m`, `12h`, `30d`, `2w`; undefined when it is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const factor = match && TIME_UNITS.get((match[2] ?? '').toLowerCase());
  return match && factor ? Number(match[1]) * factor : undefined;
}

/**
 * The text with control characters made visible, so that no description, package or file name can
 * drive the reader's terminal.
 */
export const printable = (text: string): string =>
  text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
