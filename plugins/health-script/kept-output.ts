/** The first bytes of a stream. What exceeds them is counted, and left out. */
export class Head {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #kept = 0;
  #seen = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    this.#seen += chunk.length;
    const fitting = chunk.subarray(0, this.#limit - this.#kept);
    if (fitting.length === 0) return;
    this.#chunks.push(fitting);
    this.#kept += fitting.length;
  }

  get seen(): number {
    return this.#seen;
  }

  get cut(): boolean {
    return this.#seen > this.#kept;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** The last bytes of a stream. */
export class Tail {
  readonly #limit: number;
  #kept: Buffer = Buffer.alloc(0);
  #seen = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    this.#seen += chunk.length;
    this.#kept = Buffer.concat([this.#kept, chunk.subarray(-this.#limit)]).subarray(-this.#limit);
  }

  get seen(): number {
    return this.#seen;
  }

  text(): string {
    return new TextDecoder().decode(this.#kept);
  }
}
