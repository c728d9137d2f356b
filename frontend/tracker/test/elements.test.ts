import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { clearBrowser, load, SETTINGS, setUrl, Wire } from "./page";

let wire: Wire;
const told = () => vi.advanceTimersByTimeAsync(50).then(() => wire.events.filter((event) => event["type"] === "track"));
const at = (selector: string) => document.querySelector<HTMLElement>(selector)!;
const show = async (html: string, settings: object = {}) => {
  document.body.innerHTML = html;
  (await load()).start.start({ ...SETTINGS, ...settings });
};
const over = (selector: string, pointerType = "mouse") =>
  at(selector).dispatchEvent(new PointerEvent("pointerover", { bubbles: true, pointerType }));

// Each page of a test would go on listening on the one window that the tests share.
const added: [string, EventListenerOrEventListenerObject][] = [];
const add = window.addEventListener.bind(window);

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-03-01T12:00:00Z") });
  window.addEventListener = ((type: string, heard: EventListener, options?: AddEventListenerOptions) => {
    added.push([type, heard]);
    add(type, heard, options);
  }) as typeof window.addEventListener;
  vi.stubGlobal("addEventListener", window.addEventListener);
  setUrl("https://www.shop.example/women");
  clearBrowser();
  wire = new Wire();
  wire.install();
});
afterEach(() => {
  for (const [type, heard] of added.splice(0)) window.removeEventListener(type, heard, true);
  window.addEventListener = add;
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("clicks", () => {
  test("on links and buttons say which one it was", async () => {
    await show(
      '<a id="sale" href="/sale?x=1"><b>  All of\n the sale </b></a><button aria-label="Close">x</button><p>text</p>',
    );
    at("b").click();
    await vi.advanceTimersByTimeAsync(300);
    at("p").click();
    at("button").click();
    const [link, button, more] = await told();
    expect(link).toMatchObject({
      event: "click",
      properties: { tag: "a", id: "sale", text: "All of the sale", href: "https://www.shop.example/sale?x=1" },
    });
    expect(button?.["properties"]).toEqual({ tag: "button", text: "Close" });
    expect(more).toBeUndefined();
  });

  test("on a marked element are the event it names, with its properties", async () => {
    await show(
      '<a data-footfall-event="Promotion Clicked" data-footfall-prop-promotion_id="p1" data-footfall-prop-__proto__="x">',
    );
    at("a").click();
    const [event] = await told();
    expect(event?.["event"]).toBe("Promotion Clicked");
    expect(JSON.stringify(event?.["properties"])).toBe('{"promotion_id":"p1","__proto__":"x"}');
  });

  test("never tell a field's value, an e-mail address, a script or much text", async () => {
    await show(
      `<input type="submit" value="secret"><a href="javascript:alert(1)">Ada (ada@example.org) ${"long ".repeat(50)}</a>`,
    );
    at("input").click();
    await vi.advanceTimersByTimeAsync(300);
    at("a").click();
    const [input, link] = await told();
    expect(JSON.stringify(input)).not.toContain("secret");
    expect(link?.["properties"]).not.toHaveProperty("href");
    expect((link!["properties"] as { text: string }).text).toMatch(/^Ada … long.{40,60}$/);
  });

  test("in a rush are told a few times a second", async () => {
    await show("<button>+</button>");
    for (let n = 0; n < 100; n++) at("button").click();
    expect((await told()).length).toBeLessThanOrEqual(1);
  });

  test("aren't told where the shop switched them off", async () => {
    await show("<button>+</button>", { clicks: "false" });
    at("button").click();
    expect(await told()).toEqual([]);
  });
});

describe("the pointer at rest", () => {
  test("for half a second on a product or link is told once", async () => {
    await show('<a data-product="boot" href="/boot"><i></i><b></b></a><a id="x" href="/x">x</a>');
    over("#x");
    await vi.advanceTimersByTimeAsync(300);
    over("i");
    await vi.advanceTimersByTimeAsync(300);
    over("b");
    await vi.advanceTimersByTimeAsync(300);
    over("#x");
    over("i");
    await vi.advanceTimersByTimeAsync(600);
    const events = await told();
    expect(events.map((event) => [event["event"], (event["properties"] as { product_id: string }).product_id])).toEqual(
      [["hover", "boot"]],
    );
  });

  test("is nothing when it is a finger, or on plain text", async () => {
    await show('<a href="/x">x</a><p>text</p>');
    over("a", "touch");
    await vi.advanceTimersByTimeAsync(600);
    over("p");
    await vi.advanceTimersByTimeAsync(600);
    expect(await told()).toEqual([]);
  });
});

describe("forms", () => {
  const FORM =
    '<form name="f" action="/pay?token=1"><input name="id" value="typed by hand"><input type="password"></form>';
  const type = (selector: string) => at(selector).dispatchEvent(new Event("input", { bubbles: true }));
  const steps = async () =>
    (await told()).map((event) => [event["event"], (event["properties"] as { step: string }).step]);

  test("are told when begun and when sent, never what is in them", async () => {
    await show(FORM);
    type("input");
    type("[type=password]");
    at("form").dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    const events = await told();
    expect(events.map(({ event, properties }) => [event, properties])).toEqual([
      ["form_started", { step: "started", form_name: "f", action: "/pay" }],
      ["form", { step: "submitted", form_name: "f", action: "/pay" }],
    ]);
    expect(JSON.stringify(events)).not.toContain("typed by hand");
  });

  test("that were begun and left are given up", async () => {
    await show(FORM);
    type("input");
    history.pushState({}, "", "/other");
    expect(await steps()).toEqual([
      ["form_started", "started"],
      ["form_abandoned", "abandoned"],
    ]);
  });
});
