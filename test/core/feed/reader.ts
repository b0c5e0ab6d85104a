import type { Draft, FollowOptions, Frame, Position, Services } from '../../../core/contract/index.ts';

/** The frames of an event. */
type Told<E extends Frame['event']> = E extends 'hello' | 'caught-up'
  ? Extract<Frame, { event: 'hello' | 'caught-up' }>
  : Extract<Frame, { event: E }>;

/** A client of the tests. It takes frames as long as it has credit, folds its position as a remote client would, and may leave and resume. */
export class Reader {
  readonly #follow: Services['follow'];
  readonly #options: FollowOptions;
  readonly frames: Frame[] = [];
  /** The first position of each lane that it was told. */
  readonly begin: Record<string, Position> = {};
  position: Record<string, Record<string, string>> = {};
  #credit = 0;
  #wake: () => void = () => undefined;
  #controller = new AbortController();
  #task: Promise<void> = Promise.resolve();

  constructor(follow: Services['follow'], options: FollowOptions) {
    this.#follow = follow;
    this.#options = options;
  }

  start(): this {
    const { signal } = this.#controller;
    const after = Object.keys(this.position).length > 0 ? structuredClone(this.position) : this.#options.after;
    this.#task = this.#run(this.#follow('logs', { ...this.#options, ...(after && { after }) }, signal), signal);
    return this;
  }

  take(credit: number): void {
    this.#credit += credit;
    this.#wake();
  }

  async leave(): Promise<void> {
    this.#controller.abort();
    this.#wake();
    await this.#task;
    this.#controller = new AbortController();
  }

  entries(source: string, lane: string): Draft[] {
    return this.frames.flatMap((frame) => (frame.event === 'entry' && frame.source === source && frame.lane === lane ? [frame.entry] : []));
  }

  of<E extends Frame['event']>(event: E): Told<E>[] {
    return this.frames.filter((frame) => frame.event === event) as Told<E>[];
  }

  async #run(stream: AsyncIterable<Frame>, signal: AbortSignal): Promise<void> {
    const frames = stream[Symbol.asyncIterator]();
    while (!signal.aborted) {
      if (this.#credit <= 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      this.#credit--;
      const { done, value } = await frames.next();
      if (done) return;
      this.frames.push(value);
      this.#fold(value);
    }
  }

  #fold(frame: Frame): void {
    if (frame.event === 'entry') this.#move(frame.source, { [frame.lane]: frame.cursor });
    if (frame.event === 'gap') this.#move(frame.source, frame.until);
    if (frame.event !== 'hello' && frame.event !== 'caught-up') return;
    for (const [source, position] of Object.entries(frame.position)) {
      this.begin[source] ??= position;
      this.#move(source, position);
    }
  }

  #move(source: string, position: Position): void {
    this.position[source] = { ...this.position[source], ...position };
  }
}
