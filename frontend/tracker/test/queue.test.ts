import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Queue, retryAfterMs } from "../src/queue";
import { clearBrowser, Wire } from "./page";

const URL = "https://footfall.example/v1/batch";
let wire: Wire;

const event = (n: number, size = 0) => JSON.stringify({ messageId: `m${n}`, pad: "x".repeat(size) });
const ids = (batch: Record<string, unknown>[] | undefined) => batch?.map((item) => item["messageId"]);
const stored = () => Object.keys(localStorage).filter((key) => key.startsWith("ff_queue_"));

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-03-01T12:00:00Z") });
  clearBrowser();
  wire = new Wire();
  wire.install();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("sending", () => {
  test("events close to each other go in one batch with the write key and the time of sending", async () => {
    const queue = new Queue(URL, "wk_1");
    queue.push(event(1));
    queue.push(event(2));
    await vi.advanceTimersByTimeAsync(100);
    expect(wire.sent).toHaveLength(1);
    expect(wire.sent[0]).toMatchObject({ url: URL, writeKey: "wk_1", sentAt: "2026-03-01T12:00:00.100Z" });
    expect(ids(wire.sent[0]?.batch)).toEqual(["m1", "m2"]);
    expect(stored()).toEqual([]);
  });

  test("a batch stays below what browsers let outlive the page", async () => {
    const queue = new Queue(URL, "wk_1");
    for (let n = 0; n < 5; n++) queue.push(event(n, 25_000));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(wire.sent.map((request) => request.batch.length)).toEqual([2, 2, 1]);
  });

  test("the oldest go when more than a thousand wait, and their number is told", async () => {
    const queue = new Queue(URL, "wk_1");
    for (let n = 0; n < 1_003; n++) queue.push(event(n));
    await vi.advanceTimersByTimeAsync(100);
    expect(ids(wire.sent[0]?.batch)?.[0]).toBe("m3");
    expect(wire.sent[0]).toMatchObject({ dropped: 3 });
  });
});

describe("trying again", () => {
  test("after a network error the same events go again, later each time", async () => {
    wire.answers = [new TypeError("offline"), new TypeError("offline")];
    const queue = new Queue(URL, "wk_1");
    queue.push(event(1));
    await vi.advanceTimersByTimeAsync(400);
    expect(wire.sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(wire.sent.map((request) => ids(request.batch))).toEqual([["m1"], ["m1"], ["m1"]]);
    expect(stored()).toEqual([]);
  });

  test("a 503 with Retry-After is honoured", async () => {
    wire.answers = [new Response("", { status: 503, headers: { "Retry-After": "20" } })];
    const queue = new Queue(URL, "wk_1");
    queue.push(event(1));
    await vi.advanceTimersByTimeAsync(19_000);
    queue.flush();
    expect(wire.sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(wire.sent).toHaveLength(2);
  });

  test("a batch that is refused is halved until only the bad event is given up", async () => {
    const refusal = () => new Response("", { status: 413 });
    wire.answers = [refusal(), refusal()];
    const queue = new Queue(URL, "wk_1");
    for (let n = 0; n < 2; n++) queue.push(event(n));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(wire.sent.map((request) => ids(request.batch))).toEqual([["m0", "m1"], ["m0"], ["m1"]]);
  });

  test.each([
    ["30", 30_000],
    ["Sun, 01 Mar 2026 12:00:10 GMT", 10_000],
    [null, 0],
    ["soon", 0],
    ["-5", 0],
  ])("Retry-After %s is a pause of %i ms", (header, ms) => {
    expect(retryAfterMs(header)).toBe(ms);
  });
});

describe("leaving and coming back", () => {
  test("at leave what waits goes by beacon", () => {
    const queue = new Queue(URL, "wk_1");
    queue.push(event(1));
    queue.leave();
    expect(ids(wire.beacons[0]?.batch)).toEqual(["m1"]);
    expect(stored()).toEqual([]);
  });

  test("while the server fails, the next page sends what this one couldn't, after the pause asked for", async () => {
    wire.answers = [new Response("", { status: 503, headers: { "Retry-After": "10" } })];
    const left = new Queue(URL, "wk_1");
    left.push(event(1));
    await vi.advanceTimersByTimeAsync(200);
    left.leave();
    expect(wire.beacons).toEqual([]);

    const next = new Queue(URL, "wk_1");
    next.adopt();
    await vi.advanceTimersByTimeAsync(8_000);
    expect(wire.sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(wire.sent.map((request) => ids(request.batch))).toEqual([["m1"], ["m1"]]);
    expect(stored()).toEqual([]);
  });

  test("a tab that is still open keeps its own queue, a crashed one is adopted after a minute", async () => {
    wire.answers = [new TypeError("offline")];
    new Queue(URL, "wk_1").push(event(1));
    const other = new Queue(URL, "wk_1");
    other.adopt();
    expect(stored()).toHaveLength(1);
    vi.clearAllTimers();
    vi.setSystemTime(Date.now() + 61_000);
    other.adopt();
    expect(stored()).toHaveLength(0);
  });

  test("broken storage is cleared, not sent", async () => {
    localStorage.setItem("ff_queue_x", '{"at":0,"events":"no"}');
    localStorage.setItem("ff_queue_y", "not json");
    new Queue(URL, "wk_1").adopt();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(wire.sent).toEqual([]);
    expect(stored()).toEqual([]);
  });

  test("a forgotten queue sends and keeps nothing", async () => {
    const queue = new Queue(URL, "wk_1");
    queue.push(event(1));
    queue.forget();
    await vi.advanceTimersByTimeAsync(1_000);
    queue.leave();
    expect([...wire.sent, ...wire.beacons]).toEqual([]);
    expect(stored()).toEqual([]);
  });
});
