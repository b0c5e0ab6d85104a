import type { Cursor, Position } from '../contract/index.ts';

/** A position that moves. */
export class Place {
  readonly #lanes: Map<string, Cursor>;

  constructor(position: Position = {}) {
    this.#lanes = new Map(Object.entries(position));
  }

  /** Moves one lane; `null` forgets a lane that is gone, `undefined` moves nothing. */
  move(lane: string, cursor: Cursor | null | undefined): void {
    if (cursor === null) this.#lanes.delete(lane);
    else if (cursor !== undefined) this.#lanes.set(lane, cursor);
  }

  moveTo(position: Position): void {
    for (const [lane, cursor] of Object.entries(position)) this.#lanes.set(lane, cursor);
  }

  /** Whether every lane of `other` stands at the same cursor here. */
  covers(other: Place): boolean {
    for (const [lane, cursor] of other.#lanes) if (this.#lanes.get(lane) !== cursor) return false;
    return true;
  }

  at(): Position {
    return Object.fromEntries(this.#lanes);
  }
}
