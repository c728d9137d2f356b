import { expect, test } from "vitest";
import type { TimelineItem } from "../src/types";
import { bySession, isMinor } from "../src/views/timeline";

const item = (time: string, session: number | null, kind = "page_view", name: string | null = null): TimelineItem => ({
  time,
  kind,
  name,
  url: null,
  section: null,
  title: null,
  product_id: null,
  price: null,
  dwell_s: 10,
  session,
});

test("neighbours of one visit stand together, and the visit starts with its oldest", () => {
  const groups = bySession([item("12:05", 2), item("12:00", 2), item("09:00", 1)]);
  expect(groups.map(({ session, started, dwellS, items }) => [session, started, dwellS, items.length])).toEqual([
    [2, "12:00", 20, 2],
    [1, "09:00", 10, 1],
  ]);
});

test("older visits keep their key when a new one comes on top", () => {
  const before = bySession([item("09:00", 1)]);
  const after = bySession([item("12:00", 2), item("09:00", 1)]);
  expect(after[1]?.key).toBe(before[0]?.key);
});

test("scrolls, clicks and pauses are minor, what the shop named is not", () => {
  expect(isMinor(item("1", 1, "scroll"))).toBe(true);
  expect(isMinor(item("1", 1, "custom", "engagement"))).toBe(true);
  expect(isMinor(item("1", 1, "custom", "Quiz taken"))).toBe(false);
  expect(isMinor(item("1", 1, "order"))).toBe(false);
});
