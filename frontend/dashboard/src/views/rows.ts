// In which order do live rows stand? By the latest, rows stay where they are and new ones go on top; by likelihood, they
// find their new places while nobody is at the list.

import type { State, VisitorRow } from "../types";

export const ROWS_MAX = 200;

/** Cells of a row that light up when they change. */
export type Cell = "state" | "likely" | "where" | "session" | "channel" | "device" | "place" | "cart" | "orders";

export interface LiveRow {
  row: VisitorRow;
  /** How often each cell has changed since the row was first shown. */
  changes: Partial<Record<Cell, number>>;
}

const CELLS: Record<Cell, (row: VisitorRow) => unknown> = {
  state: (row) => `${row.state} ${row.label}`,
  likely: (row) => Math.round((row.propensity?.session ?? -1) * 100),
  where: (row) => `${row.section} ${row.url}`,
  session: (row) => `${row.session.number} ${row.session.n_events}`,
  channel: (row) => row.channel,
  device: (row) => row.device,
  place: (row) => `${row.geo?.country} ${row.geo?.city}`,
  cart: (row) => `${row.cart.n_items} ${row.cart.value}`,
  orders: (row) => `${row.orders.n} ${row.orders.revenue}`,
};

export function update(before: LiveRow, row: VisitorRow): LiveRow {
  const changes = { ...before.changes };
  for (const cell of Object.keys(CELLS) as Cell[]) {
    if (CELLS[cell](row) !== CELLS[cell](before.row)) changes[cell] = (changes[cell] ?? 0) + 1;
  }
  return { row, changes };
}

export type Sort = "last_seen" | "propensity";

export interface Filter {
  isLive: boolean;
  state: State | "";
  query: string;
  sort: Sort;
}

/** Whether a row that the stream brings belongs into the list (a search is answered by the server alone). */
export function belongs(row: VisitorRow, filter: Filter): boolean {
  if (filter.query) return false;
  if (filter.isLive && row.session.ended) return false;
  return !filter.state || row.state === filter.state;
}

export interface Merged {
  /** Ids in the order shown. */
  order: string[];
  /** New rows that wait because the reader is busy with the list. */
  waiting: string[];
}

/** Ids that the stream brought go on top, or wait while `isHeld`; the list never grows past `ROWS_MAX`. */
export function arrive(list: Merged, ids: readonly string[], isHeld: boolean): Merged {
  const known = new Set([...list.order, ...list.waiting]);
  const fresh = [...new Set(ids)].filter((id) => !known.has(id));
  if (isHeld) return { order: list.order, waiting: [...fresh, ...list.waiting].slice(0, ROWS_MAX) };
  return { order: [...fresh, ...list.waiting, ...list.order].slice(0, ROWS_MAX), waiting: [] };
}

/** The likeliest first, those nobody scores last, and where live ones are shown those who left; equal ones stay. */
export function byLikelihood(
  order: readonly string[],
  rowOf: (id: string) => VisitorRow | undefined,
  isLive: boolean,
): string[] {
  const share = (id: string) => {
    const row = rowOf(id);
    return isLive && row?.session.ended ? -2 : (row?.propensity?.session ?? -1);
  };
  return [...order].sort((a, b) => share(b) - share(a));
}
