import { lastOf, type Run } from './runs.ts';

/** Five bits a character, the lowest first; a character of the second half says that more follow. */
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUES = new Map([...DIGITS].map((digit, value) => [digit, value]));
const TIME = '@';
const MORE = '*';

/**
 * One run as text: `@` and how much later it was noticed than the one below, unless that is 0; the rows between the two, less
 * one; its length, less one; and if it is more than one gap, `*`, how many less two, and the rows between them, less one.
 */
export function runText({ first, length, every, count, noticed }: Run, below: Run | undefined): string {
  const later = BigInt(noticed - (below?.noticed ?? 0));
  const time = later === 0n ? '' : TIME + numberText(later < 0n ? -2n * later - 1n : 2n * later);
  const between = below ? numberText(first - lastOf(below) - 2n) : '';
  const more = count > 1n ? MORE + numberText(count - 2n) + numberText(every - length - 1n) : '';
  return time + between + numberText(length - 1n) + more;
}

export function runsText(runs: readonly Run[]): string {
  return runs.map((run, index) => runText(run, runs[index - 1])).join('');
}

/** The inverse; `first` is the first key of the first run. `undefined` for a text that it cannot have made. */
export function parseRuns(text: string, first: bigint): readonly Run[] | undefined {
  const runs: Run[] = [];
  let at = 0;
  let broken = false;

  function marked(mark: string): boolean {
    if (text[at] !== mark) return false;
    at++;
    return true;
  }
  function number(): bigint {
    let number = 0n;
    for (let shift = 0n; ; shift += 5n) {
      const value = VALUES.get(text[at++] ?? '');
      if (value === undefined) broken = true;
      if (value === undefined || value < 32) return number | (BigInt(value ?? 0) << shift);
      number |= BigInt(value - 32) << shift;
    }
  }
  function run(below: Run | undefined): Run {
    const later = marked(TIME) ? number() : 0n;
    const noticed = (below?.noticed ?? 0) + Number(later % 2n === 0n ? later / 2n : -(later + 1n) / 2n);
    broken ||= !Number.isSafeInteger(noticed);
    const begin = below ? lastOf(below) + 2n + number() : first;
    const length = number() + 1n;
    if (!marked(MORE)) return { first: begin, length, every: length, count: 1n, noticed };
    const count = number() + 2n;
    return { first: begin, length, every: length + 1n + number(), count, noticed };
  }

  while (at < text.length && !broken) runs.push(run(runs.at(-1)));
  return broken ? undefined : runs;
}

function numberText(number: bigint): string {
  let text = '';
  let left = number;
  for (; left >= 32n; left >>= 5n) text += DIGITS[Number(left & 31n) + 32];
  return text + DIGITS[Number(left)];
}
