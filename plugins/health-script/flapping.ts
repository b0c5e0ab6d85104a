const OLDEST_WEIGHT = 0.8;
const NEWEST_WEIGHT = 1.2;

/**
 * How often the state changed over the last `window` results, in percent: 0 when it never did, 100 when it did each time. A
 * change weighs the more the newer it is, linearly, the newest possible one half as much again as the oldest possible one;
 * results that are not there yet count as no change.
 *
 * "Detection and Handling of State Flapping", Nagios Core documentation,
 * https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/flapping.html
 */
export function changePercent(recent: readonly string[], window: number): number {
  const results = recent.slice(-window);
  const possible = window - 1;
  // With fewer results than the window holds, they stand at its new end.
  const missing = window - results.length;
  let changes = 0;
  for (let at = 1; at < results.length; at++) {
    if (results[at] !== results[at - 1]) changes += weight(missing + at - 1, possible);
  }
  return (changes / possible) * 100;
}

/** `place` counts the possible changes from 0, the oldest. */
function weight(place: number, possible: number): number {
  return OLDEST_WEIGHT + ((NEWEST_WEIGHT - OLDEST_WEIGHT) * place) / (possible - 1);
}
