import { describe, expect, test } from "vitest";
import type { VisitorRow } from "../src/types";
import { arrive, belongs, byLikelihood, ROWS_MAX, update } from "../src/views/rows";

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
  propensity: { session: 0.1, week: 0.2, scored_by: "model" },
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

describe("rows by likelihood", () => {
  test("stand with the likeliest first, and those nobody scores last", () => {
    const shares: Record<string, number | null> = { a: 0.1, b: null, c: 0.7, d: 0.1 };
    const rowOf = (id: string) => row({ propensity: { session: shares[id] ?? null, week: null, scored_by: "prior" } });
    expect(byLikelihood(["a", "b", "c", "d"], rowOf, true)).toEqual(["c", "a", "d", "b"]);
  });

  test("who has left stands below all who are there", () => {
    const rowOf = (id: string) => row({ session: { ...row().session, ended: id === "a" } });
    expect(byLikelihood(["a", "b"], rowOf, true)).toEqual(["b", "a"]);
    expect(byLikelihood(["a", "b"], rowOf, false)).toEqual(["a", "b"]);
  });

  test("light up when a whole percent is to be told", () => {
    const at = (session: number) => row({ propensity: { session, week: 0.2, scored_by: "model" } });
    const before = { row: at(0.121), changes: {} };
    expect(update(before, at(0.123)).changes).toEqual({});
    expect(update(before, at(0.138)).changes).toEqual({ likely: 1 });
  });
});

describe("rows that the stream brings", () => {
  const filter = { isLive: true, state: "" as const, query: "", sort: "last_seen" as const };
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
