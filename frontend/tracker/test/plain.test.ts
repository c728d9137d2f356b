import { describe, expect, test } from "vitest";
import { copy, plain } from "../src/plain";

test("a key called __proto__ stays a key", () => {
  const copied = plain(copy(JSON.parse('{"__proto__":{"polluted":1}}')) as object);
  expect(JSON.stringify(copied)).toBe('{"__proto__":{"polluted":1}}');
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

describe("a copy of hostile data", () => {
  test("leaves out what contains itself", () => {
    const circle: Record<string, unknown> = { name: "a", list: [] };
    circle["self"] = circle;
    (circle["list"] as unknown[]).push(circle, 1);
    expect(JSON.stringify(copy(circle))).toBe('{"name":"a","list":[null,1]}');
  });

  test("cuts long texts and stops at a sum of characters, keys included", () => {
    const copied = copy({ long: "x".repeat(10_000_000), more: Array(100).fill("y".repeat(3_000)) }) as {
      long: string;
      more: string[];
    };
    expect(copied.long).toHaveLength(4_000);
    expect(JSON.stringify(copied).length).toBeLessThan(17_000);
    expect(JSON.stringify(copy({ ["k".repeat(100_000)]: 1, a: 1 }))).toBe("{}");
  });

  test("is bounded in breadth and depth", () => {
    let deep: Record<string, unknown> = {};
    for (let n = 0; n < 10_000; n++) deep = { deep };
    expect(JSON.stringify(copy(deep)).match(/deep/g)!.length).toBeLessThan(12);
    expect((copy(Array(5_000_000).fill(0)) as unknown[]).length).toBeLessThanOrEqual(1_000);
    expect(copy({ bytes: new Uint8Array(10_000_000), n: 1 })).toEqual({ n: 1 });
  });

  test("goes past getters that throw and proxies that lie", () => {
    const thrower = {
      fine: 1,
      get bad() {
        throw new Error("no");
      },
    };
    const liar = new Proxy({}, { ownKeys: () => ["a", "a"] });
    expect(copy({ thrower, liar, n: 2 })).toEqual({ thrower: { fine: 1 }, n: 2 });
  });

  test("keeps dates and big numbers as texts, and leaves out elements", () => {
    const at = new Date("2026-03-01T12:00:00Z");
    expect(copy({ at, id: 12345678901234567890n, element: document.body })).toEqual({
      at: "2026-03-01T12:00:00.000Z",
      id: "12345678901234567890",
    });
  });
});
