import type { DataType, Positions } from '../contract/index.ts';
import type { Member } from '../query/member.ts';
import { noSource } from '../query/select.ts';

export interface Missing {
  readonly source: string;
  readonly reason: string;
}

/** Which sources a client follows, and why not the others that it may expect. */
export interface Choice {
  readonly followed: readonly Member[];
  readonly missing: readonly Missing[];
}

/** Sources of the type, or the named ones of it; mirrors only when they are named. */
export function choose(members: readonly Member[], type: DataType, names: readonly string[] | undefined, after: Positions): Choice {
  const followed: Member[] = [];
  const missing: Missing[] = [];
  const wanted = members.filter((one) => (one.type === type || one.type === undefined) && (!names || names.includes(one.name)));
  for (const member of wanted) {
    const reason = reasonAgainst(member, names);
    if (reason === undefined) followed.push(member);
    else missing.push({ source: member.name, reason });
  }
  for (const source of new Set([...(names ?? []), ...Object.keys(after)])) {
    if (!wanted.some((one) => one.name === source))
      missing.push({ source, reason: `it is not among the followed sources of type ${type}` });
  }
  if (wanted.length === 0 && !names) missing.push({ source: type, reason: noSource(type) });
  return { followed, missing };
}

function reasonAgainst(member: Member, names: readonly string[] | undefined): string | undefined {
  if (member.mirror && !names?.includes(member.name)) return 'it is a mirror, which is followed only when it is named';
  if (!member.source) return member.error ?? 'it is not running';
  return member.source.follow ? undefined : 'no live feed';
}
