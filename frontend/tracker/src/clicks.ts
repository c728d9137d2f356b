// Which clicks did the shop mark? `data-footfall-event="Promotion Clicked" data-footfall-prop-promotion_id="p1"`.

import { type Json, plain } from "./context";
import type { Tracker } from "./tracker";

const PROPERTY = "data-footfall-prop-";

export function watchClicks(tracker: Tracker): void {
  document.addEventListener(
    "click",
    (click) => {
      const marked = (click.target as Element | null)?.closest?.("[data-footfall-event]");
      if (marked) tracker.track(marked.getAttribute("data-footfall-event"), propertiesOf(marked));
    },
    true,
  );
}

export function propertiesOf(element: Element): Json {
  const properties = plain();
  for (const { name, value } of Array.from(element.attributes)) {
    if (name.startsWith(PROPERTY)) properties[name.slice(PROPERTY.length)] = value;
  }
  return properties;
}
