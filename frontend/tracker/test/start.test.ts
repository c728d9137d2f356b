import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Footfall } from "../src/api";
import { clearBrowser, load, SETTINGS, setUrl, Wire } from "./page";

let wire: Wire;
const names = () =>
  vi.advanceTimersByTimeAsync(50).then(() => wire.events.map((event) => event["event"] ?? event["type"]));
const footfall = () => window.footfall as Footfall;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-03-01T12:00:00Z") });
  setUrl("https://www.shop.example/");
  clearBrowser();
  document.body.innerHTML = "";
  wire = new Wire();
  wire.install();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("calls made before loading", () => {
  test("come in order after the page view, a decision before it", async () => {
    window.footfall = [
      ["track", "A"],
      ["identify", "u1"],
      ["consent", true],
      "junk",
      null,
      ["constructor"],
    ] as unknown[];
    (await load()).start.start({ ...SETTINGS, consent: "required" });
    expect(await names()).toEqual(["Segment Consent Preference Updated", "page", "A", "identify"]);
  });

  test("a page view of the shop's own stands for the first", async () => {
    window.footfall = [["page", "Home"]];
    (await load()).start.start(SETTINGS);
    expect(await names()).toEqual(["page"]);
  });

  test("a page may go on to push", async () => {
    (await load()).start.start(SETTINGS);
    footfall().push(["track", "B"]);
    footfall().push(["nothing"]);
    footfall().push(null as never);
    expect(await names()).toEqual(["page", "B"]);
  });
});

test("a second tracker on the page does nothing and says so", async () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  (await load()).start.start(SETTINGS);
  const first = footfall();
  expect((await load()).start.start({ ...SETTINGS, writeKey: "wk_2" })).toBe(first);
  expect(await names()).toEqual(["page"]);
  expect(warned).toHaveBeenCalledTimes(1);
});

test.each([{}, { writeKey: "wk" }, { host: "https://footfall.example" }])(
  "without key or host (%o) nothing starts",
  async (settings) => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
    expect((await load()).start.start(settings)).toBeUndefined();
    expect(window.footfall).toBeUndefined();
    expect(warned).toHaveBeenCalledTimes(1);
  },
);

test("a call that fails inside never reaches the page", async () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {
    throw new Error("a console that throws");
  });
  (await load()).start.start(SETTINGS);
  vi.spyOn(Date, "now").mockImplementation(() => {
    throw new Error("no clock");
  });
  expect(() => footfall().track("A")).not.toThrow();
  expect(warned).toHaveBeenCalled();
});

test("the npm entry starts the same tracker, and nothing on a server", async () => {
  vi.resetModules();
  const { load: start } = await import("../src/npm");
  const api = start({ ...SETTINGS, autoPage: false });
  api?.track("A");
  expect(await names()).toEqual(["A"]);
  const page = globalThis.document;
  vi.stubGlobal("document", undefined);
  expect(start(SETTINGS)).toBeUndefined();
  vi.stubGlobal("document", page);
});

test("a page that is only rendered in advance keeps and sends nothing until it is seen", async () => {
  const ahead = { configurable: true, value: true };
  Object.defineProperty(document, "prerendering", ahead);
  (await load()).start.start(SETTINGS);
  footfall().track("Early");
  expect(await names()).toEqual([]);
  expect([document.cookie, Object.keys(localStorage)]).toEqual(["", []]);
  Object.defineProperty(document, "prerendering", { ...ahead, value: false });
  document.dispatchEvent(new Event("prerenderingchange", { bubbles: true }));
  expect((await names()).sort()).toEqual(["Early", "page"]);
});
