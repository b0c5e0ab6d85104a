import { RetryableError } from '../../core/contract/index.ts';
import type { Catalogue } from './catalogue.ts';
import type { Content } from './content.ts';
import type { Lane } from './files.ts';

const MOST_OPEN = 64;
const ATTEMPTS = 3;

/** A file was there a moment ago, and no file holds its generation now. */
export class GoneError extends RetryableError {
  constructor(lane: Lane) {
    super(`${lane.files[0]?.path} is gone or was rewritten while it was read`, { code: 'ERR_FILE_GONE' });
  }
}

/** The open files of one query. A file that is renamed or removed meanwhile is read to the end. */
export class Handles {
  readonly #catalogue: Catalogue;
  readonly #signal: AbortSignal;
  readonly #open = new Map<string, Content>();

  constructor(catalogue: Catalogue, signal: AbortSignal) {
    this.#catalogue = catalogue;
    this.#signal = signal;
  }

  get full(): boolean {
    return this.#open.size >= MOST_OPEN;
  }

  /** With `again`, the generation is looked for anew, after its file was found truncated. */
  async get(lane: Lane, again = false): Promise<Content> {
    if (again) await this.#drop(lane);
    const known = this.#open.get(lane.name);
    if (known) return known;
    const content = await openLane(this.#catalogue, lane, this.#signal);
    if (this.full) {
      const [name, oldest] = [...this.#open][0] as [string, Content];
      this.#open.delete(name);
      await oldest.close();
    }
    this.#open.set(lane.name, content);
    return content;
  }

  async #drop(lane: Lane): Promise<void> {
    await this.#open.get(lane.name)?.close();
    this.#open.delete(lane.name);
  }

  async close(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const content of all) await content.close();
  }
}

/** Opens the file that holds a generation, wherever it is by now. Throws {@link GoneError}. */
export async function openLane(catalogue: Catalogue, lane: Lane, signal: AbortSignal): Promise<Content> {
  let now: Lane | undefined = lane;
  for (let attempt = 0; now && attempt < ATTEMPTS; attempt++) {
    for (const file of now.files) {
      const content = await catalogue.open(file);
      if (content) return content;
    }
    const { lanes } = await catalogue.refresh(signal);
    now = lanes.find(({ name }) => name === lane.name);
  }
  throw new GoneError(lane);
}
