import type { Frame } from '../../core/contract/index.ts';

const MOST_FRAMES = 4096;
const MOST_BYTES = 4 * 2 ** 20;

type EntryFrame = Extract<Frame, { event: 'entry' }>;

/**
 * Frames as the text that is sent. All clients of a source are handed the same frame, so the last ones are kept and made only
 * once; when there are more than 4096, or 4 MiB of them, the oldest go.
 */
export class Encoder {
  readonly #made = new Map<Frame, Buffer>();
  #bytes = 0;

  encode(frame: Frame): Buffer {
    if (frame.event !== 'entry') return Buffer.from(control(frame));
    const known = this.#made.get(frame);
    if (known) return known;
    const made = Buffer.from(entry(frame));
    this.#keep(frame, made);
    return made;
  }

  #keep(frame: Frame, made: Buffer): void {
    this.#made.set(frame, made);
    this.#bytes += made.length;
    for (const [oldest, buffer] of this.#made) {
      if (this.#made.size <= MOST_FRAMES && this.#bytes <= MOST_BYTES) return;
      this.#made.delete(oldest);
      this.#bytes -= buffer.length;
    }
  }
}

/** `data` is the entry as its source wrote it. */
function entry({ source, lane, cursor, entry: { type, json } }: EntryFrame): string {
  return `{"type":${JSON.stringify(type)},"source":${JSON.stringify(source)},"lane":${JSON.stringify(lane)},"cursor":${JSON.stringify(cursor)},"data":${json}}`;
}

function control(frame: Exclude<Frame, EntryFrame>): string {
  if (frame.event !== 'lost') return JSON.stringify(frame);
  const { source, lost } = frame;
  return JSON.stringify({ event: 'lost', source, ...lost });
}
