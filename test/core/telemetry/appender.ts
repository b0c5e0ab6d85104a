import { createLog } from '../../../core/telemetry/log.ts';

/** Run as a process of its own: logs so many lines, then ends at once, without closing anything. */
const [file, count, console] = process.argv.slice(2) as [string, string, 'json' | 'none' | 'pretty'];
const log = createLog({ level: 'info', ...(file !== '-' && { file }), console });
for (let number = 0; number < Number(count); number++) {
  log.info('line', { number });
  if (number % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
}
process.exit(0);
