import { describe, expect, test } from "vitest";
import type { VisitorRow } from "../src/types";
import { arrive, belongs, ROWS_MAX, update } from "../src/views/rows";

const row = (more: Partial<VisitorRow> = {}): VisitorRow => ({
  visitor_id: "v1",
  label: "Ada",
  state: "known",
  last_seen: "2026-03-01T12:00:00Z",
  session: { number: 1, started: "2026-03-01T12:00:00Z", n_events: 1, dwell_s: 0, ended: false },
  section: "home",
  url: "https://shop.example/",
  channel: "direct",
  device: "mobile",
  geo: { country: null, region: null, city: null },
  cart: { n_items: 0, value: 0 },
  orders: { n: 0, revenue: 0 },
  currency: "EUR",
  ...more,
});

describe("a row that changes", () => {
  test("lights up the cells that say something new, and only those", () => {
    const before = { row: row(), changes: {} };
    const after = update(before, row({ cart: { n_items: 1, value: 20 }, last_seen: "2026-03-01T12:00:05Z" }));
    expect(after.changes).toEqual({ cart: 1 });
    expect(update(after, row({ cart: { n_items: 2, value: 40 } })).changes).toEqual({ cart: 2 });
  });
});

describe("rows that the stream brings", () => {
  const filter = { isLive: true, state: "" as const, query: "" };
  const ended = row({ session: { ...row().session, ended: true } });

  test("belong to the list if they pass its filter", () => {
    expect(belongs(row(), filter)).toBe(true);
    expect(belongs(ended, filter)).toBe(false);
    expect(belongs(ended, { ...filter, isLive: false })).toBe(true);
    expect(belongs(row(), { ...filter, state: "paying" })).toBe(false);
    expect(belongs(row(), { ...filter, query: "ada" })).toBe(false);
  });

  test("go on top; the others stay where they are", () => {
    expect(arrive({ order: ["a", "b"], waiting: [] }, ["b", "c", "c"], false).order).toEqual(["c", "a", "b"]);
  });

  test("wait while somebody is busy with the list, and go on top afterwards", () => {
    const held = arrive({ order: ["a"], waiting: [] }, ["b"], true);
    expect(held).toEqual({ order: ["a"], waiting: ["b"] });
    expect(arrive(arrive(held, ["c"], true), [], false)).toEqual({ order: ["c", "b", "a"], waiting: [] });
  });

  test("never make the list longer than its limit", () => {
    const many = Array.from({ length: ROWS_MAX + 50 }, (_, n) => `v${n}`);
    expect(arrive({ order: ["a"], waiting: [] }, many, false).order).toHaveLength(ROWS_MAX);
    expect(arrive({ order: ["a"], waiting: [] }, many, true).waiting).toHaveLength(ROWS_MAX);
  });
});
