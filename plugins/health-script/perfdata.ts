import type { JsonObject } from '../../core/contract/index.ts';
import { cut } from './reading.ts';

/**
 * `'label'=value[UOM];[warn];[crit];[min];[max]`, items separated by blanks; a label in quotes may hold anything, a quote in it
 * is doubled; `U` is a value that could not be determined; trailing semicolons may be left out.
 * Monitoring Plugins Development Guidelines, "Performance data" (https://www.monitoring-plugins.org/doc/guidelines.html#AEN201).
 */
const ITEM =
  /(?:'((?:[^']|'')+)'|([^\s='][^\s=]*))=(?:(U)|([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([^\d\s;'"]*))(?:;([^\s;]*))?(?:;([^\s;]*))?(?:;([^\s;]*))?(?:;([^\s;]*))?;*(?=\s|$)/y;
const BLANKS = /\s*/y;
const TO_NEXT_BLANK = /\S+/y;

const MAX_ITEMS = 500;
const MAX_TEXT = 64 * 1024;
const MAX_LABEL = 120;

export interface Perfdata {
  /** Label → `{value: number|null, unit?, warn?, crit?, min?, max?}`; the ranges `warn` and `crit` stay text. */
  readonly items: JsonObject;
  readonly notes: readonly string[];
}

export function parsePerfdata(text: string): Perfdata {
  const items = new Map<string, JsonObject>();
  const short = text.slice(0, MAX_TEXT);
  let malformed = 0;
  let first = '';
  let at = skip(BLANKS, short, 0);
  while (at < short.length && items.size < MAX_ITEMS) {
    ITEM.lastIndex = at;
    const match = ITEM.exec(short);
    if (match) {
      const [, quoted, bare = ''] = match;
      items.set(cut(quoted?.replaceAll("''", "'") ?? bare, MAX_LABEL), toItem(match));
      at = ITEM.lastIndex;
    } else {
      const end = skip(TO_NEXT_BLANK, short, at);
      if (malformed++ === 0) first = short.slice(at, end);
      at = end;
    }
    at = skip(BLANKS, short, at);
  }
  return {
    items: Object.fromEntries(items),
    notes: [
      ...(malformed > 0 ? [`${malformed} items of performance data are malformed, the first is ${cut(JSON.stringify(first), 80)}`] : []),
      ...(at < text.length && (items.size >= MAX_ITEMS || text.length > MAX_TEXT)
        ? ['not all performance data was read; it is too much']
        : []),
    ],
  };
}

function toItem([, , , undetermined, value, unit, warn, crit, min, max]: RegExpExecArray): JsonObject {
  return {
    value: undetermined ? null : Number(value),
    ...(unit && { unit }),
    ...(warn && { warn }),
    ...(crit && { crit }),
    ...numeric('min', min),
    ...numeric('max', max),
  };
}

function numeric(name: string, text: string | undefined): JsonObject {
  const value = Number(text);
  return text && Number.isFinite(value) ? { [name]: value } : {};
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
