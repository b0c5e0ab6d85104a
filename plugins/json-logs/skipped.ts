/** A line that was left out, and why. */
export interface Fault {
  readonly path: string;
  readonly offset: number;
  readonly reason: string;
}

/** Counts what was left out, and remembers the first of it, by its place in the file. */
export class Skipped {
  #total = 0;
  #taken = 0;
  #first: Fault | undefined;

  add(fault: Fault): void {
    this.#total++;
    const first = this.#first;
    if (!first || (fault.path === first.path && fault.offset < first.offset)) this.#first = fault;
  }

  get total(): number {
    return this.#total;
  }

  get first(): Fault | undefined {
    return this.#first;
  }

  /** One sentence for a person about all so far, and how many are new; undefined when none is. */
  take(what: [one: string, many: string]): { readonly text: string; readonly count: number } | undefined {
    const [total, first] = [this.#total, this.#first];
    const count = total - this.#taken;
    if (!first || count === 0) return undefined;
    this.#taken = total;
    const where = `${total > 1 ? 'first in' : 'in'} ${first.path} at byte ${first.offset}`;
    return { text: `${total} ${total > 1 ? what[1] : what[0]}, ${where} (${first.reason})`, count };
  }
}
