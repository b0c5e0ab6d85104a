const EVERY_MS = 5000;

/** Tells on stderr how far a long piece of work is; a line every few seconds, so that it also reads well in a file. */
export function startProgress(what: string, total: number): { add(count: number): void; end(): void } {
  const began = performance.now();
  let [done, told, doneThen] = [0, began, 0];
  const tell = () => {
    const now = performance.now();
    const rate = Math.round(((done - doneThen) / (now - told)) * 1000);
    console.error(`${done} of ${total} ${what}, ${rate}/s, ${Math.round((now - began) / 1000)} s`);
    [told, doneThen] = [now, done];
  };
  return {
    add(count) {
      done += count;
      if (performance.now() - told > EVERY_MS) tell();
    },
    end() {
      if (done > doneThen) tell();
    },
  };
}
