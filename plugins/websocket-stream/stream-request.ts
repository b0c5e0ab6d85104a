import { type DataType, type FollowOptions, parseSelection, RequestError } from '../../core/contract/index.ts';
import { decodePositions } from './positions.ts';

export interface StreamRequest {
  readonly type: DataType;
  readonly follow: FollowOptions;
}

/** Reads the URL of a stream: the selection of a query, `after` and `policy`. Throws a {@link RequestError}. */
export function readStreamRequest(url: string, types: readonly DataType[], fallback: FollowOptions['policy']): StreamRequest {
  const question = url.indexOf('?');
  const search = new URLSearchParams(question < 0 ? '' : url.slice(question + 1));
  const { type, where, sources } = parseSelection(search, types, ['after', 'policy']);
  const policy = search.get('policy') ?? fallback;
  if (policy !== 'latest' && policy !== 'complete') {
    throw new RequestError('policy', `policy must be latest or complete, not ${JSON.stringify(policy)}`);
  }
  const after = search.get('after');
  return { type, follow: { policy, where, ...(sources && { sources }), ...(after !== null && { after: decodePositions(after) }) } };
}
