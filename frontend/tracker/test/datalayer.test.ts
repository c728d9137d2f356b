import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { clearBrowser, load, SETTINGS, setUrl, Wire } from "./page";

let wire: Wire;
type Layer = unknown[];
const shared = window as unknown as { dataLayer?: unknown };
const tracked = () =>
  vi.advanceTimersByTimeAsync(50).then(() => wire.events.filter((event) => event["type"] !== "page"));
const names = async () => (await tracked()).map((event) => event["event"] ?? event["type"]);

/** gtag's entries are `arguments` objects. */
function gtag(..._: unknown[]): void {
  // biome-ignore lint/complexity/noArguments: that is what Google's snippet pushes.
  (shared.dataLayer as Layer).push(arguments);
}

async function start(layer: unknown = [], settings: object = {}) {
  shared.dataLayer = layer;
  const page = await load();
  page.start.start({ ...SETTINGS, layer: "dataLayer", ...settings });
  return page;
}

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
  vi.restoreAllMocks();
});

describe("Google Analytics 4", () => {
  test("a purchase becomes an order in the words of the Segment spec", async () => {
    await start([
      { ecommerce: null },
      {
        event: "purchase",
        ecommerce: {
          transaction_id: "T1",
          value: 72.05,
          currency: "EUR",
          coupon: "SPRING",
          items: [
            {
              item_id: "SKU_1",
              item_name: "Boot",
              item_brand: "Ida",
              item_category: "women",
              item_category2: "shoes",
              item_category3: "boots",
              item_variant: "green",
              price: 10.01,
              quantity: 3,
            },
            { item_id: "SKU_2", price: 42.02, quantity: 1 },
          ],
        },
      },
    ]);
    expect(await tracked()).toMatchObject([
      {
        type: "track",
        event: "purchase",
        properties: {
          order_id: "T1",
          value: 72.05,
          currency: "EUR",
          coupon: "SPRING",
          products: [
            {
              product_id: "SKU_1",
              name: "Boot",
              brand: "Ida",
              category: "women/shoes/boots",
              variant: "green",
              price: 10.01,
              quantity: 3,
            },
            { product_id: "SKU_2", price: 42.02, quantity: 1 },
          ],
        },
      },
    ]);
  });

  test("the one item of an event stands for it", async () => {
    await start();
    (shared.dataLayer as Layer).push({
      event: "view_item",
      ecommerce: { currency: "EUR", items: [{ item_id: "s", item_category: "a/b", price: 5, discount: 1 }] },
    });
    expect((await tracked())[0]?.["properties"]).toMatchObject({
      product_id: "s",
      category: "a/b",
      price: 5,
      discount: 1,
      currency: "EUR",
    });
  });

  test("gtag's events, commands and arrays are read as well", async () => {
    await start();
    gtag("js", new Date());
    gtag("config", "G-1", { user_id: "u1" });
    gtag("event", "add_to_cart", { currency: "EUR", items: [{ id: "s", price: 5, quantity: 2 }] });
    (shared.dataLayer as Layer).push(["event", "search", { search_term: "boots" }]);
    gtag("set", { user_id: "u1" });
    gtag("event", "login");
    const events = await tracked();
    expect(events.map((event) => event["event"] ?? event["userId"])).toEqual(["u1", "add_to_cart", "search", "login"]);
    expect(events[1]?.["properties"]).toMatchObject({ product_id: "s", products: [{ product_id: "s", quantity: 2 }] });
    expect(events[2]?.["properties"]).toMatchObject({ query: "boots" });
    expect(events[3]?.["userId"]).toBe("u1");
  });

  test("a flat entry, and a person named in one", async () => {
    await start();
    (shared.dataLayer as Layer).push({ event: "login", user_id: 7, method: "mail" }, { event: "sign_up", user_id: 7 });
    expect(await names()).toEqual(["identify", "login", "sign_up"]);
  });

  test("what Google Tag Manager or the tracker says by itself isn't said twice", async () => {
    await start([{ event: "gtm.js", "gtm.start": 1 }]);
    (shared.dataLayer as Layer).push({ event: "gtm.click" }, { event: "page_view" }, { event: "scroll" }, { a: 1 });
    gtag("event", "page_view", {});
    gtag("event", "user_engagement");
    gtag("get", "G-1", "client_id", () => {});
    expect(await names()).toEqual([]);
  });
});

test("a currency that only the items name is the order's", async () => {
  await start();
  gtag("event", "purchase", {
    items: [
      { item_id: "a", currency: "EUR" },
      { item_id: "b", currency: "EUR" },
    ],
  });
  expect(await tracked()).toMatchObject([{ properties: { currency: "EUR" } }]);
});

test("an order keeps its id and sum however many lines stand before them", async () => {
  await start();
  const items = Array.from({ length: 400 }, (_, n) => ({ item_id: `sku-${n}`, item_name: "x".repeat(60), price: 1 }));
  gtag("event", "purchase", { items, currency: "EUR", value: 400, transaction_id: "o-1" });
  expect(await tracked()).toMatchObject([{ properties: { order_id: "o-1", value: 400, currency: "EUR" } }]);
});

describe("older e-commerce shapes", () => {
  const products = [
    { id: "s1", name: "Boot", price: "59.90", brand: "Ida", category: "women/shoes", variant: "red", quantity: 1 },
  ];

  test.each([
    ["detail", "view_item"],
    ["add", "add_to_cart"],
    ["remove", "remove_from_cart"],
    ["checkout", "begin_checkout"],
    ["click", "select_item"],
  ])("%s is %s", async (old, name) => {
    await start([
      { event: "whatever", ecommerce: { currencyCode: "EUR", [old]: { actionField: { step: 1 }, products } } },
    ]);
    const [event, more] = await tracked();
    expect(event?.["event"]).toBe(name);
    expect(more).toBeUndefined();
    expect(event?.["properties"]).toMatchObject({
      currency: "EUR",
      products: [
        { product_id: "s1", name: "Boot", price: "59.90", brand: "Ida", category: "women/shoes", variant: "red" },
      ],
    });
  });

  test("a purchase has its order in actionField, and needs no event", async () => {
    await start([
      {
        ecommerce: {
          purchase: { actionField: { id: "T1", revenue: "35.43", tax: "4.90", coupon: "SPRING" }, products },
        },
      },
    ]);
    const [event] = await tracked();
    expect(event).toMatchObject({ event: "purchase", properties: { order_id: "T1", revenue: "35.43" } });
    expect(event?.["properties"]).not.toHaveProperty("id");
  });

  test("one entry may say several things", async () => {
    await start([
      {
        ecommerce: {
          impressions: [{ id: "a", list: "Sale" }, { id: "b" }],
          promoView: { promotions: [{ id: "p1", name: "Spring" }] },
          detail: { products },
        },
      },
    ]);
    const events = await tracked();
    expect(events.map((event) => event["event"])).toEqual(["view_item_list", "view_item", "view_promotion"]);
    expect(events[0]?.["properties"]).toMatchObject({ products: [{ product_id: "a" }, { product_id: "b" }] });
  });
});

describe("consent mode", () => {
  const denied = {
    analytics_storage: "denied",
    ad_storage: "denied",
    ad_user_data: "denied",
    ad_personalization: "denied",
  };

  test("a denied default holds everything back until it is updated", async () => {
    shared.dataLayer = [];
    gtag("consent", "default", denied);
    gtag("event", "view_item", { items: [{ id: "s" }] });
    await start(shared.dataLayer);
    expect(await tracked()).toEqual([]);
    expect(document.cookie).toBe("");
    expect(Object.keys(localStorage)).toEqual([]);
    gtag("consent", "update", { analytics_storage: "granted", ad_storage: "granted" });
    const events = await tracked();
    expect(events.map((event) => event["event"])).toEqual(["Segment Consent Preference Updated", "view_item"]);
    expect(events[0]).toMatchObject({
      context: { consent: { categoryPreferences: { analytics: true, marketing: true, personalization: false } } },
    });
  });

  test("a banner that repeats the answer on every page isn't news", async () => {
    await start();
    gtag("consent", "update", { analytics_storage: "granted" });
    await tracked();
    clear();
    const layer: Layer = [];
    shared.dataLayer = layer;
    gtag("consent", "default", denied);
    gtag("consent", "update", { analytics_storage: "granted" });
    await start(layer);
    expect(await names()).toEqual([]);
    expect(wire.events).toHaveLength(1);
  });

  test("an update to denied withdraws", async () => {
    await start();
    gtag("consent", "update", { analytics_storage: "denied" });
    gtag("event", "search", { search_term: "x" });
    expect(await names()).toEqual([]);
    expect(wire.beacons).toHaveLength(1);
    expect(Object.keys(localStorage)).toEqual(["ff_consent"]);
  });

  test("a denied default is heard before anything is written, however old it is", async () => {
    const layer: Layer = [];
    shared.dataLayer = layer;
    gtag("consent", "default", denied);
    for (let n = 0; n < 350; n++) layer.push({ event: "other" });
    const written = vi.spyOn(Storage.prototype, "setItem");
    await start(layer);
    expect(await tracked()).toEqual([]);
    expect(wire.events).toEqual([]);
    expect(written).not.toHaveBeenCalled();
    expect(document.cookie).toBe("");
  });

  test("who denies on the first visit is never named", async () => {
    const layer: Layer = [];
    shared.dataLayer = layer;
    gtag("consent", "default", { analytics_storage: "granted" });
    gtag("consent", "update", denied);
    await start(layer);
    await tracked();
    expect(wire.beacons).toEqual([]);
    expect(wire.sent).toEqual([]);
  });

  test("a granted default asks nobody", async () => {
    shared.dataLayer = [];
    gtag("consent", "default", { analytics_storage: "granted" });
    await start(shared.dataLayer);
    gtag("event", "search", { search_term: "x" });
    expect(await names()).toEqual(["search"]);
  });

  const clear = () => {
    wire.sent = [];
    delete (window as { footfall?: unknown }).footfall;
  };
});

describe("a hostile data layer", () => {
  test("never throws, and what is fine in it is read", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
    await start([null, undefined, 1, "x", () => {}]);
    const layer = shared.dataLayer as Layer;
    const circle: Record<string, unknown> = { event: "search", search_term: "loop" };
    circle["self"] = circle;
    const thrower = {
      get event() {
        throw new Error("no");
      },
    };
    const proxy = new Proxy(
      {},
      {
        get() {
          throw new Error("no");
        },
      },
    );
    const huge = { event: "search", search_term: "y".repeat(10_000_000) };
    const frozen = Object.freeze({ event: "search", search_term: "frozen" });
    expect(layer.push(circle, thrower, proxy, huge, frozen, Object.freeze(["event", "search"]))).toBe(11);
    const events = await tracked();
    expect(events.map((event) => (event["properties"] as { query?: string }).query?.slice(0, 6))).toEqual([
      "loop",
      "yyyyyy",
      "frozen",
      undefined,
    ]);
    expect(warned).toHaveBeenCalled();
  });

  test("one that is no list, or frozen, is left alone", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    await start({ push: 1 });
    delete (window as { footfall?: unknown }).footfall;
    await start(Object.freeze([{ event: "search", search_term: "x" }]));
    expect(await names()).toEqual(["search"]);
  });

  test("whoever wraps push before or after, everybody hears everything", async () => {
    const layer: Layer = [];
    const heard: unknown[] = [];
    layer.push = function (...entries) {
      heard.push(...entries);
      return Array.prototype.push.apply(this, entries);
    };
    await start(layer);
    const ours = layer.push;
    layer.push = function (...entries) {
      heard.push(...entries);
      return ours.apply(this, entries);
    };
    layer.push({ event: "search", search_term: "x" });
    expect(heard).toHaveLength(2);
    expect(await names()).toEqual(["search"]);
  });
});
