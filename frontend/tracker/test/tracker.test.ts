import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { clearBrowser, open, setGpc, setUrl, Wire } from "./page";

let wire: Wire;
const sent = () => vi.advanceTimersByTimeAsync(50).then(() => wire.events);

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-03-01T12:00:00Z") });
  setUrl("https://www.shop.example/women/shoes?utm_source=news&utm_campaign=spring");
  clearBrowser();
  wire = new Wire();
  wire.install();
  document.title = "Shoes";
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("calls of the Segment spec", () => {
  test("page carries the page and the browser", async () => {
    (await open()).tracker.page();
    const [event] = await sent();
    expect(event).toMatchObject({
      type: "page",
      timestamp: "2026-03-01T12:00:00.000Z",
      context: {
        page: {
          url: "https://www.shop.example/women/shoes?utm_source=news&utm_campaign=spring",
          path: "/women/shoes",
          search: "?utm_source=news&utm_campaign=spring",
          title: "Shoes",
        },
        userAgent: navigator.userAgent,
        library: { name: "footfall.js" },
      },
    });
    expect(event?.["messageId"]).toMatch(/^\d+-\d+-\d+-\d+$/);
    expect(event?.["anonymousId"]).toMatch(/^\d+-\d+-\d+-\d+$/);
    expect(event).not.toHaveProperty("userId");
  });

  test("page(category, name, properties) names the page", async () => {
    (await open()).tracker.page("Shop", "Cart", { step: 2 });
    expect((await sent())[0]).toMatchObject({
      name: "Cart",
      category: "Shop",
      properties: { name: "Cart", category: "Shop", step: 2 },
    });
  });

  test("track takes the properties as they are at the call", async () => {
    const properties = { product_id: "p1", price: 10 };
    (await open()).tracker.track("Product Added", properties);
    properties.price = 99;
    expect((await sent())[0]).toMatchObject({ event: "Product Added", properties: { product_id: "p1", price: 10 } });
  });

  test("identify names the person in everything after it, on later pages too", async () => {
    const { tracker } = await open();
    tracker.identify("u1", { email: "ada@example.org" });
    tracker.track("A");
    await sent();
    (await open()).tracker.track("B");
    const events = await sent();
    expect(events[0]).toMatchObject({ type: "identify", userId: "u1", traits: { email: "ada@example.org" } });
    expect(events.map((event) => event["userId"])).toEqual(["u1", "u1", "u1"]);
    expect(new Set(events.map((event) => event["anonymousId"])).size).toBe(1);
  });

  test("identify without an id only says traits", async () => {
    (await open()).tracker.identify({ size: 42 });
    const [event] = await sent();
    expect(event).toMatchObject({ type: "identify", traits: { size: 42 } });
    expect(event).not.toHaveProperty("userId");
  });

  test("alias joins the id before with the new one", async () => {
    const { tracker } = await open();
    tracker.identify("old");
    tracker.alias("new");
    expect((await sent())[1]).toMatchObject({ type: "alias", previousId: "old", userId: "new" });
  });

  test("group and call options are passed on", async () => {
    (await open()).tracker.group(
      "g1",
      { plan: "gold" },
      { timestamp: "2026-01-01T00:00:00Z", messageId: "m1", context: { channel: "store" } },
    );
    expect((await sent())[0]).toMatchObject({
      type: "group",
      groupId: "g1",
      messageId: "m1",
      traits: { plan: "gold" },
      timestamp: "2026-01-01T00:00:00.000Z",
      context: { channel: "store" },
    });
  });

  test("reset makes somebody else of the browser", async () => {
    const { tracker } = await open();
    tracker.identify("u1");
    tracker.reset();
    tracker.track("A");
    const [before, after] = await sent();
    expect(after?.["anonymousId"]).not.toBe(before?.["anonymousId"]);
    expect(document.cookie).toContain(`ff_anonymous_id=${after?.["anonymousId"]}`);
    expect(after).not.toHaveProperty("userId");
  });

  test("a call that says too little is left out with a warning", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
    const { tracker } = await open();
    tracker.track(undefined);
    tracker.track({ event: "A" });
    tracker.alias(null);
    expect(await sent()).toEqual([]);
    expect(warned).toHaveBeenCalledTimes(3);
  });
});

describe("ids", () => {
  test("the anonymous id is kept in a cookie and in localStorage, and read back from either", async () => {
    const { anonymousId } = (await open()).identity;
    expect(document.cookie).toContain(`ff_anonymous_id=${anonymousId}`);
    localStorage.clear();
    expect((await open()).identity.anonymousId).toBe(anonymousId);
    expect(localStorage.getItem("ff_anonymous_id")).toBe(anonymousId);
  });

  test("a made-up cookie is replaced", async () => {
    localStorage.setItem("ff_anonymous_id", '"><script>');
    expect((await open()).identity.anonymousId).toMatch(/^[\d-]{16,64}$/);
  });

  test("a server on the shop's own site is asked to set the cookie, once a day", async () => {
    const { setOptions } = await import("../src/options");
    setOptions({});
    const { tracker, wire: ours } = await open();
    ours.openWire(["https://data.shop.example"]);
    tracker.track("A");
    await sent();
    tracker.track("B");
    await sent();
    expect(wire.sent.map(({ cookie, credentials }) => [cookie, credentials])).toEqual([
      [{ domain: "shop.example", days: 395 }, "include"],
      [undefined, "omit"],
    ]);
    const later = await open();
    later.wire.openWire(["https://data.shop.example"]);
    later.tracker.track("C");
    await sent();
    expect(wire.sent[2]?.cookie).toBeUndefined();
    vi.setSystemTime(Date.now() + 86_400_001);
    const tomorrow = await open();
    tomorrow.wire.openWire(["https://data.shop.example"]);
    tomorrow.tracker.track("D");
    await sent();
    expect(wire.sent[3]?.cookie).toEqual({ domain: "shop.example", days: 395 });
  });

  test("a server elsewhere is never sent cookies", async () => {
    (await open()).tracker.track("A");
    await sent();
    expect(wire.sent[0]).toMatchObject({ credentials: "omit" });
    expect(wire.sent[0]).not.toHaveProperty("cookie");
  });
});

describe("consent", () => {
  const required = { consent: "required" };
  const nothingKept = () => {
    expect(document.cookie.replace(/ff_consent=[^;]*/, "")).toBe("");
    expect(Object.keys(localStorage).filter((key) => key !== "ff_consent")).toEqual([]);
  };

  test("before a decision nothing is stored or sent", async () => {
    const { tracker, queue } = await open(required);
    tracker.page();
    tracker.identify("u1", { email: "ada@example.org" });
    queue.hide();
    queue.leave();
    expect(await sent()).toEqual([]);
    expect(wire.beacons).toEqual([]);
    expect(document.cookie).toBe("");
    expect(Object.keys(localStorage)).toEqual([]);
  });

  test("a yes sends the decision, then what this page held back, in order", async () => {
    const { tracker } = await open(required);
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
    expect(events[0]).toMatchObject({ timestamp: "2026-03-01T12:00:00.000Z" });
    expect(events[1]).toMatchObject({
      timestamp: "2026-03-01T12:00:00.000Z",
      context: { consent: { categoryPreferences: { analytics: true, marketing: true, personalization: true } } },
    });
  });

  test("a no forgets what was held back, sends nothing, and holds on later pages", async () => {
    const { tracker } = await open(required);
    tracker.page();
    tracker.consent("denied");
    tracker.track("A");
    (await open()).tracker.page();
    expect(await sent()).toEqual([]);
    expect(wire.beacons).toEqual([]);
    nothingKept();
  });

  test("withdrawing stops what waits, deletes the ids and tells the server once, without saying more", async () => {
    const { tracker, identity } = await open();
    const { anonymousId } = identity;
    tracker.track("Waiting");
    tracker.consent(false);
    tracker.track("After");
    expect(await sent()).toEqual([]);
    expect(wire.beacons).toHaveLength(1);
    expect(wire.beacons[0]?.batch).toEqual([
      {
        type: "track",
        event: "Segment Consent Preference Updated",
        properties: {},
        anonymousId,
        messageId: expect.any(String),
        timestamp: "2026-03-01T12:00:00.000Z",
        context: { consent: { categoryPreferences: { analytics: false, marketing: false, personalization: false } } },
      },
    ]);
    nothingKept();
  });

  test("purposes are kept one by one", async () => {
    const { tracker } = await open(required);
    tracker.consent({ analytics: true, marketing: false });
    expect((await sent())[0]).toMatchObject({
      context: { consent: { categoryPreferences: { analytics: true, marketing: false } } },
    });
    const next = await open(required);
    expect({ ...next.consent.purposes }).toEqual({ analytics: true, marketing: false });
  });

  test.each(["%7B", "1", "null", "%22yes%22", "%5B%5D"])("a broken cookie (%s) is no yes", async (cookie) => {
    // biome-ignore lint/suspicious/noDocumentCookie: what another program may have written.
    document.cookie = `ff_consent=${cookie}; Path=/`;
    (await open(required)).tracker.page();
    expect(await sent()).toEqual([]);
  });

  test("Global Privacy Control asks for consent, and an explicit yes goes before it", async () => {
    setGpc(true);
    const { tracker } = await open();
    tracker.page();
    expect(await sent()).toEqual([]);
    nothingKept();
    tracker.consent(true);
    expect((await sent()).map((event) => event["type"])).toEqual(["track", "page"]);
  });

  test("ids of an earlier visit go when consent has become required", async () => {
    await open();
    await open(required);
    nothingKept();
  });

  test("a no in another tab stops this one", async () => {
    const { tracker } = await open();
    tracker.track("Before");
    const other = await open();
    other.tracker.consent(false);
    tracker.settle(); // as the browser's storage event does
    tracker.track("A");
    expect(await sent()).toEqual([]);
    nothingKept();
  });
});
