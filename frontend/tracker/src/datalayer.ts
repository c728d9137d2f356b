// What does the shop tell Google? Its data layer, read along: GA4 names, gtag(), older e-commerce shapes, consent.

import { guard, warn } from "./guard";
import { userId } from "./identity";
import { copy, type Json, object, plain } from "./plain";
import { ask, consent, identify, track } from "./tracker";

const BACKLOG_MAX = 300;
const NAMES =
  /^((view|select)_(item|cart|promotion|search)|add_(to|shipping|payment)_|remove_from_|(begin_checkout|purchase|refund|search|login|sign_up|generate_lead)$)/;
/** Universal Analytics' enhanced e-commerce: the member of `ecommerce` that says what happened, as GA4 calls it. */
const OLD_NAMES: Record<string, string> = {
  impressions: "view_item_list",
  click: "select_item",
  detail: "view_item",
  add: "add_to_cart",
  remove: "remove_from_cart",
  checkout: "begin_checkout",
  purchase: "purchase",
  refund: "refund",
  promoView: "view_promotion",
  promoClick: "select_promotion",
};

/** What consent mode says so far. */
let modes = plain();

/** The data layer of this name; made if there is none yet. */
export function layerOf(name: string): Json[] {
  const shared = window as unknown as Record<string, Json[]>;
  shared[name] ??= [];
  if (Array.isArray(shared[name])) return shared[name];
  warn("no data layer");
  return [];
}

/** What was pushed before the tracker came: decisions on consent, which go before everything, or all else. */
export function readBacklog(layer: Json[], isConsent: boolean): void {
  for (const entry of layer.slice(isConsent ? 0 : -BACKLOG_MAX)) {
    guard(() => {
      if ((entry?.[0] === "consent") === isConsent) read(entry);
    });
  }
}

/** Read along from now on, whoever else does. */
export function watchLayer(layer: Json[]): void {
  const push = layer.push;
  layer.push = function (this: Json[], ...entries) {
    const length = push.apply(this, entries);
    for (const entry of entries) guard(() => read(entry));
    return length;
  };
}

function read(entry: Json): void {
  if (!object(entry)) return;
  const [command, first, second] = [entry[0], entry[1], object(entry[2])];
  if (command === "consent") decide(first, second);
  else if (command) tell(command === "event" && first, second ?? object(first));
  else tell(entry["event"], entry, object(entry["ecommerce"]));
}

/** `ecommerce` is what Google Tag Manager's entries have; gtag's parameters stand by themselves. */
function tell(event: unknown, said?: Json, ecommerce?: Json): void {
  const user = said?.["user_id"];
  if (user && `${user}` !== userId) identify(user);
  for (const [old, name] of Object.entries(OLD_NAMES)) {
    if (!object(ecommerce?.[old])) continue;
    track(name, shopProperties(ecommerce![old], ecommerce!["currencyCode"]));
    event = "";
  }
  if (NAMES.test(event as string)) track(event, shopProperties(ecommerce ?? said));
}

const copied = (given: unknown): Json | undefined => object(copy(given));

function decide(what: unknown, given: unknown): void {
  modes = plain(modes, copied(given));
  const isGranted = (mode: string): boolean => modes[mode] === "granted";
  const analytics = isGranted("analytics_storage");
  if (!modes["analytics_storage"]) return;
  if (what === "update") {
    const marketing = isGranted("ad_storage");
    consent({ marketing, personalization: isGranted("ad_personalization"), analytics }, false);
  } else if (!analytics) ask();
}

/** Google's parameters under the names of the Segment spec; what it knows nothing of stays as it is. */
export function shopProperties(given: unknown, currency?: unknown): Json {
  const said = plain(copied(Array.isArray(given) ? { items: given } : given));
  const action = plain(object(said["actionField"]));
  const list = said["items"] ?? said["products"];
  const products = Array.isArray(list) ? list.map(product) : [];
  const first = object(products[0]);
  return plain(!products[1] && first, { revenue: action["revenue"] }, said, {
    order_id: said["transaction_id"] ?? action["id"],
    query: said["search_term"],
    currency: said["currency"] ?? currency ?? first?.["currency"],
    products: list && products,
    items: undefined,
  });
}

function product(given: unknown): unknown {
  if (!object(given)) return given;
  const item = given as Json;
  const found = plain();
  const levels: unknown[] = [];
  for (const key of Object.keys(item).sort()) {
    const name = key.replace("item_", "");
    if (/^category\d?$/.test(name)) levels.push(item[key]);
    else found[name === "id" ? "product_id" : name] = item[key];
  }
  found["category"] = levels.filter(Boolean).join("/") || undefined;
  return found;
}
