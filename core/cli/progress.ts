const FIRST_SHOWN_MS = 500;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** Shows on a terminal that something takes a while; the function returned ends it. */
export function progress(what: string): () => void {
  const { stderr } = process;
  if (!stderr.isTTY) return () => undefined;
  const began = Date.now();
  let frame = 0;
  let shown = false;
  const timer = setInterval(() => {
    const elapsed = Date.now() - began;
    if (elapsed < FIRST_SHOWN_MS) return;
    shown = true;
    stderr.write(`\r${FRAMES[frame++ % FRAMES.length]} ${what} … ${(elapsed / 1000).toFixed(1)} s`);
  }, 100);
  return () => {
    clearInterval(timer);
    if (shown) stderr.write('\r\u001b[K');
  };
}
