import picocolors from 'picocolors';

const { NO_COLOR, FORCE_COLOR } = process.env;

/** Colours, when a person looks: off where output is no terminal or NO_COLOR is set, on where FORCE_COLOR is. */
export const pc = picocolors.createColors(!NO_COLOR && (Boolean(FORCE_COLOR) || process.stdout.isTTY === true));
