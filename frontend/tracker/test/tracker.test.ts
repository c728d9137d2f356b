import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Tracker } from "../src/tracker";
import { clearBrowser, OPTIONS, setGpc, Wire } from "./page";

let wire: Wire;
const sent = () => vi.advanceTimersByTimeAsync(200).then(() => wire.events);

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-03-01T12:00:00Z") });
  clearBrowser();
  wire = new Wire();
  wire.install();
  (window as unknown as { happyDOM: { setURL(url: string): void } }).happyDOM.setURL(
    "https://www.shop.example/women/shoes?utm_source=news&utm_campaign=spring",
  );
  document.title = "Shoes";
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("calls of the Segment spec", () => {
  test("page carries the page, the campaign and the browser", async () => {
    new Tracker(OPTIONS).page();
    const [event] = await sent();
    expect(event).toMatchObject({
      type: "page",
      timestamp: "2026-03-01T12:00:00.000Z",
      properties: {
        path: "/women/shoes",
        title: "Shoes",
        url: expect.stringContaining("https://www.shop.example/women"),
      },
      context: {
        page: { path: "/women/shoes", search: "?utm_source=news&utm_campaign=spring" },
        campaign: { source: "news", name: "spring" },
        userAgent: navigator.userAgent,
        library: { name: "footfall.js" },
      },
    });
    expect(event?.["messageId"]).toMatch(/^[0-9a-f]{32}$/);
    expect(event?.["anonymousId"]).toMatch(/^[0-9a-f]{32}$/);
    expect(event).not.toHaveProperty("userId");
  });

  test("page(category, name, properties) names the page", async () => {
    new Tracker(OPTIONS).page("Shop", "Cart", { step: 2 });
    expect((await sent())[0]).toMatchObject({ name: "Cart", category: "Shop", properties: { name: "Cart", step: 2 } });
  });

  test("track takes the properties as they are at the call", async () => {
    const properties = { product_id: "p1", price: 10 };
    new Tracker(OPTIONS).track("Product Added", properties);
    properties.price = 99;
    expect((await sent())[0]).toMatchObject({ event: "Product Added", properties: { product_id: "p1", price: 10 } });
  });

  test("identify names the person in everything after it, on later pages too", async () => {
    const tracker = new Tracker(OPTIONS);
    tracker.identify("u1", { email: "ada@example.org" });
    tracker.track("A");
    new Tracker(OPTIONS).track("B");
    const events = await sent();
    expect(events[0]).toMatchObject({ type: "identify", userId: "u1", traits: { email: "ada@example.org" } });
    expect(events.map((event) => event["userId"])).toEqual(["u1", "u1", "u1"]);
    expect(new Set(events.map((event) => event["anonymousId"])).size).toBe(1);
  });

  test("identify without an id only says traits", async () => {
    new Tracker(OPTIONS).identify({ size: 42 });
    const [event] = await sent();
    expect(event).toMatchObject({ type: "identify", traits: { size: 42 } });
    expect(event).not.toHaveProperty("userId");
  });

  test("alias joins the id before with the new one", async () => {
    const tracker = new Tracker(OPTIONS);
    tracker.identify("old");
    tracker.alias("new");
    expect((await sent())[1]).toMatchObject({ type: "alias", previousId: "old", userId: "new" });
  });

  test("group and call options are passed on", async () => {
    new Tracker(OPTIONS).group(
      "g1",
      { plan: "gold" },
      { timestamp: "2026-01-01T00:00:00Z", context: { channel: "store" } },
    );
    expect((await sent())[0]).toMatchObject({
      type: "group",
      groupId: "g1",
      traits: { plan: "gold" },
      timestamp: "2026-01-01T00:00:00.000Z",
      context: { channel: "store" },
    });
  });

  test("reset makes somebody else of the browser", async () => {
    const tracker = new Tracker(OPTIONS);
    tracker.identify("u1");
    tracker.reset();
    tracker.track("A");
    const [before, after] = await sent();
    expect(after?.["anonymousId"]).not.toBe(before?.["anonymousId"]);
    expect(after).not.toHaveProperty("userId");
  });

  test("what can't be an event is left out with a warning, and the page goes on", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
    const tracker = new Tracker(OPTIONS);
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    tracker.track("A", circle);
    tracker.track("B", { text: "x".repeat(40_000) });
    tracker.track(undefined);
    expect(await sent()).toEqual([]);
    expect(warned).toHaveBeenCalledTimes(3);
  });

  test("a property called __proto__ stays a property", async () => {
    new Tracker(OPTIONS).track("A", JSON.parse('{"__proto__":{"polluted":1},"constructor":"c"}'));
    const [event] = await sent();
    expect(JSON.stringify(event)).toContain('"__proto__":{"polluted":1}');
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

describe("ids", () => {
  test("the anonymous id is kept in a cookie and in localStorage, and read back from either", () => {
    const { anonymousId } = new Tracker(OPTIONS).identity;
    expect(document.cookie).toContain(`ff_anonymous_id=${anonymousId}`);
    localStorage.clear();
    expect(new Tracker(OPTIONS).identity.anonymousId).toBe(anonymousId);
    expect(localStorage.getItem("ff_anonymous_id")).toBe(anonymousId);
  });

  test("a made-up cookie is replaced", () => {
    localStorage.setItem("ff_anonymous_id", '"><script>');
    expect(new Tracker(OPTIONS).identity.anonymousId).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("consent", () => {
  const required = { ...OPTIONS, isConsentRequired: true };
  const nothingKept = () => {
    expect(document.cookie.replace(/ff_consent=[^;]*/, "")).toBe("");
    expect(Object.keys(localStorage).filter((key) => key !== "ff_consent")).toEqual([]);
  };

  test("before a decision nothing is stored or sent", async () => {
    const tracker = new Tracker(required);
    tracker.page();
    tracker.identify("u1", { email: "ada@example.org" });
    tracker.leave();
    expect(await sent()).toEqual([]);
    expect(wire.beacons).toEqual([]);
    expect(document.cookie).toBe("");
    expect(Object.keys(localStorage)).toEqual([]);
  });

  test("a yes sends the decision, then what this page held back, in order", async () => {
    const tracker = new Tracker(required);
    tracker.page();
    await vi.advanceTimersByTimeAsync(5_000);
    tracker.consent("granted");
    tracker.track("A");
    const events = await sent();
    expect(events.map((event) => event["event"] ?? event["type"])).toEqual([
      "Segment Consent Preference Updated",
      "page",
      "A",
    ]);
    expect(events[1]).toMatchObject({
      timestamp: "2026-03-01T12:00:00.000Z",
      context: { consent: { categoryPreferences: { analytics: true, marketing: true, personalization: true } } },
    });
  });

  test("a no forgets what was held back, sends nothing, and holds on later pages", async () => {
    const tracker = new Tracker(required);
    tracker.page();
    tracker.consent("denied");
    tracker.track("A");
    new Tracker(OPTIONS).page();
    expect(await sent()).toEqual([]);
    nothingKept();
  });

  test("withdrawing stops what waits, deletes the ids and tells the server once, without saying more", async () => {
    const tracker = new Tracker(OPTIONS);
    const { anonymousId } = tracker.identity;
    tracker.track("Waiting");
    tracker.consent(false);
    tracker.track("After");
    const events = await sent();
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      event: "Segment Consent Preference Updated",
      anonymousId,
      context: { consent: { categoryPreferences: { analytics: false } } },
    });
    expect(events[0]).not.toHaveProperty("context.page");
    nothingKept();
  });

  test("purposes are kept one by one", async () => {
    const tracker = new Tracker(required);
    tracker.consent({ analytics: true, marketing: false });
    expect((await sent())[0]).toMatchObject({
      context: { consent: { categoryPreferences: { analytics: true, marketing: false } } },
    });
    expect(new Tracker(required).consentState.purposes).toEqual({ analytics: true, marketing: false });
  });

  test("Global Privacy Control asks for consent, and an explicit yes goes before it", async () => {
    setGpc(true);
    const tracker = new Tracker(OPTIONS);
    tracker.page();
    expect(await sent()).toEqual([]);
    nothingKept();
    tracker.consent(true);
    expect((await sent()).map((event) => event["type"])).toEqual(["track", "page"]);
  });

  test("ids of an earlier visit go when consent has become required", () => {
    new Tracker(OPTIONS);
    new Tracker(required);
    nothingKept();
  });

  test("a no in another tab is found at the next call", async () => {
    const tracker = new Tracker(OPTIONS);
    await sent();
    const other = new Tracker(OPTIONS);
    other.consent(false);
    wire.sent = [];
    tracker.track("A");
    expect(await sent()).toEqual([]);
    nothingKept();
  });
});
