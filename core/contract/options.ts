import { z } from 'zod';
import { parseDuration } from './time.ts';

const UNIT_BYTES: Record<string, number> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};
const SIZE = /^(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|KiB|MiB|GiB)$/;

type Measured<S extends z.ZodType> = z.ZodPipe<S, z.ZodTransform<number, string>>;

/** An option such as `60s`, `15m`, `90d`; the plugin receives milliseconds. */
export function duration(): Measured<z.ZodString>;
export function duration(fallback: string): Measured<z.ZodDefault<z.ZodString>>;
export function duration(fallback?: string) {
  const schema = z
    .string({ error: 'expected a duration with a unit, such as 500ms, 60s, 15m, 2h or 90d' })
    .regex(/^\d+(\.\d+)?(ms|s|m|h|d|w)$/, { error: 'expected a duration with a unit, such as 500ms, 60s, 15m, 2h or 90d' });
  return (fallback === undefined ? schema : schema.default(fallback)).transform((text) => parseDuration(text) as number);
}

/** An option such as `64KiB` or `100MiB`; the plugin receives bytes. */
export function size(): Measured<z.ZodString>;
export function size(fallback: string): Measured<z.ZodDefault<z.ZodString>>;
export function size(fallback?: string) {
  const schema = z
    .string({ error: 'expected a size with a unit, such as 64KiB, 100MiB or 2GB' })
    .regex(SIZE, { error: 'expected a size with a unit, such as 64KiB, 100MiB or 2GB' });
  return (fallback === undefined ? schema : schema.default(fallback)).transform((text) => {
    const match = SIZE.exec(text) as RegExpExecArray;
    return Math.floor(Number(match[1]) * (UNIT_BYTES[match[2] as string] as number));
  });
}

/** An option that is one string or a list of them, as a list. */
export function strings() {
  return z.union([z.string(), z.array(z.string()).min(1)]).transform((value) => (typeof value === 'string' ? [value] : value));
}

/** Where to listen: `host:port`, `[::1]:port`, or `unix:/path/to.sock`. */
export function listenAddress(fallback: string) {
  return z
    .string()
    .regex(/^(unix:.+|(\[[0-9a-fA-F:.]+\]|[^:\s[\]]+):\d{1,5})$/, {
      error: 'expected host:port, such as 127.0.0.1:8000, or unix:/path/to.sock',
    })
    .refine((text) => text.startsWith('unix:') || Number(text.slice(text.lastIndexOf(':') + 1)) < 65_536, {
      error: 'a port is at most 65535',
    })
    .default(fallback);
}
