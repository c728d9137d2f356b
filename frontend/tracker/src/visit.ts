// How was a page looked at? Page views (single-page apps and the back/forward cache too), how long it was visible and
// in use, and how far it was scrolled.

import { here, movedFrom, type Place } from "./context";
import { guard, later, listen } from "./guard";
import { leaveElements } from "./interactions";
import { isOn } from "./options";
import { hide, leave, resume } from "./queue";
import { page, settle, track } from "./tracker";

const SCROLL_PERCENTS = [25, 50, 75, 90, 100];
const SCROLL_LOOK_MS = 150;
const ENGAGEMENT_MIN_MS = 100;
/** Somebody who hasn't moved for this long is no longer looking. */
const IDLE_MS = 20_000;

let place: Place;
let isVisible = false;
let countedAt = 0;
let activeAt = 0;
let visibleMs = 0;
let engagedMs = 0;
let scrollPercent = 0;
let scrollTimer = 0;

/** Watch the page. `isCounted` is false if the shop counts the first page view itself. */
export function watchVisit(isCounted: boolean): void {
  const hasAutoPages = isOn("autoPage");
  begin(hasAutoPages && isCounted);
  listen("pointerdown pointermove keydown scroll", ({ type }) => {
    count();
    activeAt = countedAt;
    // Reading heights in each event would force a layout.
    if (type === "scroll" && isOn("scroll")) scrollTimer ||= later(look, SCROLL_LOOK_MS);
  });
  listen("visibilitychange", () => {
    tell(false);
    see();
    settle();
    if (!isVisible) hide();
  });
  listen("pagehide", () => {
    end();
    leave();
  });
  listen<PageTransitionEvent>("pageshow", ({ persisted }) => {
    if (!persisted) return;
    if (settle()) resume();
    begin(hasAutoPages);
  });
  if (!hasAutoPages) return;
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (this: History, ...args: Parameters<typeof original>) {
      original.apply(this, args);
      guard(moved);
    };
  }
  listen("popstate hashchange", moved);
}

function begin(isCounted: boolean): void {
  place = here();
  visibleMs = engagedMs = scrollPercent = 0;
  see();
  if (isCounted) page();
}

function end(): void {
  if (scrollTimer) look();
  leaveElements(place);
  tell(true);
}

/** The title changes after the address in most frameworks, so this looks when they are done. */
function moved(): void {
  later(() => {
    if (address(here()) === address(place)) return;
    end();
    movedFrom(place.url);
    begin(true);
  });
}

function see(): void {
  isVisible = !document.hidden;
  countedAt = activeAt = performance.now();
}

function count(): void {
  const now = performance.now();
  if (isVisible) {
    visibleMs += now - countedAt;
    engagedMs += Math.max(0, Math.min(now, activeAt + IDLE_MS) - countedAt);
  }
  countedAt = now;
}

/** Time since the last word on it, said of the page it was spent on. */
function tell(isLeaving: boolean): void {
  count();
  if (visibleMs < ENGAGEMENT_MIN_MS || !isOn("engagement")) return;
  const properties = {
    visible_ms: Math.round(visibleMs),
    engaged_ms: Math.round(engagedMs),
    scroll_percent: scrollPercent,
    leave: isLeaving,
  };
  visibleMs = engagedMs = 0;
  track("engagement", properties, undefined, place);
}

function look(): void {
  clearTimeout(scrollTimer);
  scrollTimer = 0;
  const { scrollHeight } = document.documentElement;
  const percent = scrollHeight > innerHeight ? Math.ceil(((scrollY + innerHeight) / scrollHeight) * 100) : 0;
  for (const mark of SCROLL_PERCENTS) {
    if (mark <= scrollPercent || mark > percent) continue;
    scrollPercent = mark;
    track("scroll", { percent: mark }, undefined, place);
  }
}

/** What makes a page another page: path, query, and a hash only if it is a route (`#/cart`, `#!/cart`). */
const address = ({ path, search, url }: Place): string => path + search + (/#!?\/.*/.exec(url)?.[0] ?? "");
