// What did the visitor do with the page's elements? Clicks, the pointer at rest on a link or product, forms: which one,
// never what was typed. `data-footfall-event="Promotion Clicked" data-footfall-prop-promotion_id="p1"` names a click.

import type { Place } from "./context";
import { later, listen } from "./guard";
import { isOn } from "./options";
import { type Json, plain } from "./plain";
import { track } from "./tracker";

const EVENT = "data-footfall-event";
const PROPERTY = "data-footfall-prop-";
const TARGETS = `[${EVENT}],[data-product],a[href],button,[role=button],[type=submit]`;
const TEXT_MAX = 60;
const HOVER_MS = 500;
const CLICK_GAP_MS = 250;

/** Of this page view: elements the pointer rested on, and forms by whether they were submitted. */
const hovered = new Set<Element>();
const forms = new Map<HTMLFormElement, boolean>();
let over: Element | null | undefined;
let hoverTimer = 0;
let clickedAt = -CLICK_GAP_MS;

export function watchInteractions(): void {
  if (isOn("clicks")) {
    listen("click", (click) => {
      const element = targetOf(click);
      const name = element?.getAttribute(EVENT);
      if (name) track(name, propertiesOf(element!));
      else if (element && click.timeStamp - clickedAt >= CLICK_GAP_MS) {
        clickedAt = click.timeStamp;
        track("click", describe(element));
      }
    });
  }
  if (isOn("hover")) {
    listen<PointerEvent>("pointerover", (event) => {
      const element = targetOf(event);
      if (element === over) return;
      over = element;
      clearTimeout(hoverTimer);
      if (!element || hovered.has(element) || event.pointerType === "touch") return;
      hoverTimer = later(() => {
        hovered.add(element);
        track("hover", describe(element));
      }, HOVER_MS);
    });
  }
  if (isOn("forms")) {
    listen("input submit", ({ target, type }) => {
      const isSubmitted = type === "submit";
      const form = (isSubmitted ? target : (target as HTMLInputElement).form) as HTMLFormElement | null;
      if (!form || (!isSubmitted && forms.has(form))) return;
      forms.set(form, isSubmitted);
      tell(form, isSubmitted ? "submitted" : "started");
    });
  }
}

/** The page is left: forms that were begun and not sent are given up. */
export function leaveElements(place: Place): void {
  clearTimeout(hoverTimer);
  for (const [form, isSubmitted] of forms) if (!isSubmitted) tell(form, "abandoned", place);
  forms.clear();
  hovered.clear();
}

/** Only a sent form is the event `form`, so that forms are counted once. */
function tell(form: HTMLFormElement, step: string, place?: Place): void {
  const of = (name: string) => form.getAttribute(name) ?? undefined; // form.id may be a field called id
  const properties = {
    step,
    form_id: of("id"),
    form_name: of("name"),
    action: new URL(of("action") ?? "", location.href).pathname,
  };
  track(step === "submitted" ? "form" : `form_${step}`, properties, undefined, place);
}

const targetOf = ({ target }: Event): HTMLElement | null | undefined =>
  (target as Element).closest?.<HTMLElement>(TARGETS);

/** Which element is it? Its text as the shop wrote it, without e-mail addresses; never a field's value. */
export function describe(element: HTMLElement): Json {
  const { href } = element as HTMLAnchorElement;
  const text = element.getAttribute("aria-label") ?? element.textContent!;
  return plain(propertiesOf(element), {
    tag: element.localName,
    id: element.id || undefined,
    product_id: element.dataset["product"],
    text: text
      .slice(0, 500)
      .replace(/\S+@\S+/g, "…")
      .replace(/\s+/g, " ")
      .trim()
      .slice(0, TEXT_MAX),
    href: /^http/.test(href) ? href : undefined,
  });
}

export function propertiesOf(element: Element): Json {
  const properties = plain();
  for (const { name, value } of element.attributes) {
    if (name.startsWith(PROPERTY)) properties[name.slice(PROPERTY.length)] = value;
  }
  return properties;
}
