/** A line that was left out, and why. */
export interface Fault {
  readonly path: string;
  readonly offset: number;
  readonly reason: string;
}

/** Counts what was left out, and remembers the first. */
export class Skipped {
  count = 0;
  first: Fault | undefined;

  add(fault: Fault): void {
    this.count++;
    this.first ??= fault;
  }

  /** One sentence for a person; undefined when nothing was left out since the last call. */
  take(what: [one: string, many: string]): { readonly text: string; readonly count: number } | undefined {
    const { count, first } = this;
    if (!first) return undefined;
    this.count = 0;
    this.first = undefined;
    const where = `${count > 1 ? 'first in' : 'in'} ${first.path} at byte ${first.offset}`;
    return { text: `${count} ${count > 1 ? what[1] : what[0]}, ${where} (${first.reason})`, count };
  }
}
