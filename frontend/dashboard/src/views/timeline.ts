// Which visit does each thing belong to, and which things are only noise between the others?

import type { TimelineItem } from "../types";

export interface SessionGroup {
  key: string;
  session: number | null;
  /** Time of the earliest item. */
  started: string;
  dwellS: number;
  items: TimelineItem[];
}

const MINOR_KINDS = new Set(["scroll", "click", "hover", "engagement", "session_end"]);
const MINOR_NAMES = new Set(["engagement", "Segment Consent Preference Updated"]);

export function isMinor(item: TimelineItem): boolean {
  return MINOR_KINDS.has(item.kind) || (item.kind === "custom" && MINOR_NAMES.has(item.name ?? ""));
}

/** Neighbours of the same visit, newest visit first, as the items come. */
export function bySession(items: readonly TimelineItem[]): SessionGroup[] {
  const groups: SessionGroup[] = [];
  for (const item of items) {
    let group = groups.at(-1);
    if (!group || group.session !== item.session) {
      group = {
        key: `${item.session} ${groups.length}`,
        session: item.session,
        started: item.time,
        dwellS: 0,
        items: [],
      };
      groups.push(group);
    }
    group.items.push(item);
    group.started = item.time;
    group.dwellS += item.dwell_s ?? 0;
  }
  // Counted from the oldest, so that keys stay when a new visit comes on top.
  groups.forEach((group, index) => {
    group.key = `${group.session} ${groups.length - index}`;
  });
  return groups;
}
