import { describe } from '../contract/index.ts';
import { culprit } from '../host/trace.ts';
import { printable } from './render.ts';

/** For commands that open plugins for a while: what a plugin leaves uncaught is said in its name, and ends nothing. */
export function nameUncaught(): void {
  const uncaught = (error: unknown) => {
    const name = culprit();
    if (name === undefined) throw error;
    console.error(`cauce: an error was left uncaught by ${name}: ${printable(describe(error))}`);
  };
  process.on('unhandledRejection', uncaught);
  process.on('uncaughtException', (error) => {
    if (culprit() === undefined) {
      console.error(`cauce: ${printable(describe(error))}`);
      process.exit(1);
    }
    uncaught(error);
  });
}
