import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { clearBrowser, open, setUrl, Wire } from "./page";

let wire: Wire;

const event = (n: number, size = 0) => JSON.stringify({ messageId: `m${n}`, pad: "x".repeat(size) });
const ids = (batch: Record<string, unknown>[] | undefined) => batch?.map((item) => item["messageId"]);
const sent = () => wire.sent.map((request) => ids(request.batch));
const stored = () => Object.keys(localStorage).filter((key) => key.startsWith("ff_queue_"));
const after = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-03-01T12:00:00Z") });
  setUrl("https://www.shop.example/");
  clearBrowser();
  wire = new Wire();
  wire.install();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("sending", () => {
  test("an event goes at once; what comes while it is under way goes together, with the time of sending", async () => {
    const { queue } = await open();
    queue.push(event(1));
    queue.push(event(2));
    await after(1);
    expect(wire.sent[0]).toMatchObject({ url: "https://footfall.example/v1/batch", writeKey: "wk_1" });
    expect(wire.sent[0]?.sentAt).toMatch(/^2026-03-01T12:00:00\.00\dZ$/);
    expect(sent()).toEqual([["m1", "m2"]]);
    expect(stored()).toEqual([]);
  });

  test("a batch stays below what browsers let outlive the page", async () => {
    const { queue } = await open();
    for (let n = 0; n < 5; n++) queue.push(event(n, 25_000));
    await after(100);
    expect(wire.sent.map((request) => request.batch.length)).toEqual([2, 2, 1]);
  });

  test("the oldest go when more than a thousand wait", async () => {
    const { queue } = await open();
    for (let n = 0; n < 1_003; n++) queue.push(event(n));
    await after(100);
    expect(sent()[0]?.[0]).toBe("m3");
  });

  test("what is answered soon is never written down, what isn't is", async () => {
    const { queue } = await open();
    let answer = (_: Response): void => {};
    wire.answers = [new Promise<Response>((done) => (answer = done)) as unknown as Response];
    queue.push(event(1));
    await after(100);
    expect(stored()).toEqual([]);
    await after(400);
    expect(stored()).toHaveLength(1);
    answer(new Response("{}"));
    await after(1);
    expect(stored()).toEqual([]);
  });
});

describe("trying again", () => {
  test("after a network error the same events go again, later each time", async () => {
    wire.answers = [new TypeError("offline"), new TypeError("offline")];
    const { queue } = await open();
    queue.push(event(1));
    await after(400);
    expect(wire.sent).toHaveLength(1);
    await after(5_000);
    expect(sent()).toEqual([["m1"], ["m1"], ["m1"]]);
    expect(stored()).toEqual([]);
  });

  test.each([
    ["20", 20],
    ["-5", 0],
    ["soon", 0],
  ])("a 503 with Retry-After %s is honoured, %i s", async (header, seconds) => {
    wire.answers = [new Response("", { status: 503, headers: { "Retry-After": header } })];
    const { queue } = await open();
    queue.push(event(1));
    await after(Math.max(0, seconds * 1_000 - 500));
    queue.flush();
    expect(wire.sent).toHaveLength(1);
    await after(1_600);
    expect(wire.sent).toHaveLength(2);
  });

  test("a clock that is set back by a day doesn't hold anything up", async () => {
    wire.answers = [new TypeError("offline")];
    const { queue } = await open();
    queue.push(event(1));
    await after(10);
    vi.setSystemTime(Date.now() - 86_400_000);
    await after(1_100);
    expect(wire.sent).toHaveLength(2);
  });

  test("a batch that is refused is halved until only the bad event is given up", async () => {
    const refusal = () => new Response("", { status: 413 });
    wire.answers = [refusal(), refusal()];
    const { queue } = await open();
    for (let n = 0; n < 2; n++) queue.push(event(n));
    await after(100);
    expect(sent()).toEqual([["m0", "m1"], ["m0"], ["m1"]]);
  });
});

describe("leaving and coming back", () => {
  test("at leave what waits goes by beacon, and isn't sent again once the next page reaches the server", async () => {
    const { queue } = await open();
    queue.push(event(1));
    queue.leave();
    expect(ids(wire.beacons[0]?.batch)).toEqual(["m1"]);
    const next = await open();
    next.queue.adopt();
    next.queue.push(event(2));
    await after(1_000);
    expect(sent()).toEqual([["m2"]]);
    expect(stored()).toEqual([]);
  });

  test("a beacon that went while the server was down is sent again", async () => {
    const { queue } = await open();
    queue.push(event(1));
    queue.leave();
    wire.answers = [new TypeError("down")];
    const next = await open();
    next.queue.adopt();
    next.queue.push(event(2));
    await after(3_000);
    expect(sent()).toEqual([["m2"], ["m1", "m2"]]);
    expect(stored()).toEqual([]);
  });

  test("what was under way at leave is in doubt, whatever the browser says of it afterwards", async () => {
    let fail = (_: Error): void => {};
    wire.answers = [new Promise<Response>((_, no) => (fail = no)) as unknown as Response];
    const { queue } = await open();
    queue.push(event(1));
    await after(10);
    queue.leave();
    fail(new TypeError("aborted"));
    await after(1);
    const next = await open();
    next.queue.push(event(2));
    await after(3_000);
    expect(sent()).toEqual([["m1"], ["m2"]]);
    expect(stored()).toEqual([]);
  });

  test("while the server fails, the next page sends what this one couldn't, after the pause asked for", async () => {
    wire.answers = [new Response("", { status: 503, headers: { "Retry-After": "10" } })];
    const left = await open();
    left.queue.push(event(1));
    await after(200);
    left.queue.leave();
    expect(wire.beacons).toEqual([]);

    const next = await open();
    next.queue.adopt();
    await after(8_000);
    expect(wire.sent).toHaveLength(1);
    await after(3_000);
    expect(sent()).toEqual([["m1"], ["m1"]]);
    expect(stored()).toEqual([]);
  });

  test("what a page left goes before what the next page does", async () => {
    wire.answers = [new TypeError("down")];
    const left = await open();
    left.queue.push(event(1));
    await after(10);
    left.queue.leave();
    const next = await open();
    next.queue.push(event(2));
    await after(3_000);
    expect(sent()).toEqual([["m1"], ["m1", "m2"]]);
  });

  test("two pages that come at the same time don't both adopt", async () => {
    wire.answers = [new TypeError("down")];
    const left = await open();
    left.queue.push(event(1));
    await after(10);
    left.queue.leave();
    const [one, two] = [await open(), await open()];
    one.queue.adopt();
    two.queue.adopt();
    await after(5_000);
    expect(sent()).toEqual([["m1"], ["m1"]]);
  });

  test("a tab that is still open keeps its own queue, a crashed one is adopted after a minute", async () => {
    wire.answers = [new TypeError("offline")];
    const { queue } = await open();
    queue.push(event(1));
    await after(450);
    const other = await open();
    other.queue.adopt();
    expect(stored()).toHaveLength(1);
    vi.clearAllTimers();
    vi.setSystemTime(Date.now() + 61_000);
    other.queue.adopt();
    expect(stored()).toHaveLength(0);
  });

  test("a page that comes back from the cache doesn't send what another page has adopted", async () => {
    wire.answers = [new TypeError("down")];
    const cached = await open();
    cached.queue.push(event(1));
    await after(10);
    cached.queue.leave();
    const other = await open();
    other.queue.adopt();
    await after(2_000);
    cached.queue.resume();
    await after(5_000);
    expect(sent()).toEqual([["m1"], ["m1"]]);
  });

  test("another site's queue on the same origin is left alone", async () => {
    localStorage.setItem("ff_queue_wk_other_1", '[0,0,["{}"],[]]');
    (await open()).queue.adopt();
    expect(stored()).toEqual(["ff_queue_wk_other_1"]);
  });

  test("broken storage is cleared, not sent", async () => {
    localStorage.setItem("ff_queue_wk_1_x", '[0,0,"no",[]]');
    localStorage.setItem("ff_queue_wk_1_y", "not json");
    (await open()).queue.adopt();
    await after(1_000);
    expect(wire.sent).toEqual([]);
    expect(stored()).toEqual([]);
  });

  test("a full storage loses nothing of a page that stays", async () => {
    const { queue } = await open();
    vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    wire.answers = [new TypeError("offline")];
    queue.push(event(1));
    await after(3_000);
    expect(sent()).toEqual([["m1"], ["m1"]]);
    vi.restoreAllMocks();
  });

  test("a forgotten queue sends and keeps nothing", async () => {
    const { queue } = await open();
    queue.push(event(1));
    queue.forget();
    await after(1_000);
    queue.leave();
    expect([...wire.sent, ...wire.beacons]).toEqual([]);
    expect(stored()).toEqual([]);
  });
});
