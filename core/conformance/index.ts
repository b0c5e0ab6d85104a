/**
 * The suite that every source and sink must pass, published as `cauce/conformance`. It brings no test runner: hand in the
 * `describe` and `it` of `node:test`, vitest or another.
 */
export { type SinkFixture, sinkConformance } from './sink.ts';
export { type SourceFixture, sourceConformance } from './source.ts';

/** What a test runner must offer; `it` awaits what its function returns. */
export interface Runner {
  describe(name: string, define: () => void): void;
  it(name: string, test: () => Promise<void>): void;
}
