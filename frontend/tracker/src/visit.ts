// How was a page looked at? Page views (single-page apps and the back/forward cache too), visible time, scroll depth.

import { here, type Place } from "./context";
import type { Options } from "./options";
import type { Tracker } from "./tracker";

const SCROLL_PERCENTS = [25, 50, 75, 90, 100];
const ENGAGEMENT_MIN_MS = 100;

export class Visit {
  private place: Place = here(document.referrer);
  private visibleSince = 0;
  private visibleMs = 0;
  private toldMs = 0;
  private scrollPercent = 0;

  constructor(
    private readonly tracker: Tracker,
    private readonly options: Options,
    private readonly onPage: () => void,
  ) {}

  /** Watch the page. `isCounted` is false if the shop counts the first page view itself. */
  start(isCounted: boolean): void {
    this.begin(isCounted);
    if (this.options.hasAutoPages) this.watchHistory();
    if (this.options.hasScroll) addEventListener("scroll", () => this.scrolled(), { passive: true });
    document.addEventListener("visibilitychange", () => {
      if (isVisible()) this.visibleSince ||= performance.now();
      else {
        this.pause();
        this.tellEngagement(false);
        this.tracker.flush();
      }
    });
    addEventListener("pagehide", () => {
      this.pause();
      this.tellEngagement(true);
      this.tracker.leave();
    });
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      this.tracker.resume();
      this.begin(this.options.hasAutoPages);
    });
  }

  private begin(isCounted: boolean): void {
    this.place = here(this.tracker.referrer);
    this.visibleMs = this.toldMs = this.scrollPercent = 0;
    this.visibleSince = isVisible() ? performance.now() : 0;
    if (isCounted) this.tracker.page();
    this.onPage();
  }

  private pause(): void {
    if (this.visibleSince) this.visibleMs += performance.now() - this.visibleSince;
    this.visibleSince = 0;
  }

  /** Visible time since the last word on it, said of the page it was spent on. */
  private tellEngagement(isLeaving: boolean): void {
    const newMs = Math.round(this.visibleMs - this.toldMs);
    if (!this.options.hasEngagement || newMs < ENGAGEMENT_MIN_MS) return;
    this.toldMs = this.visibleMs;
    const properties = {
      visible_ms: newMs,
      total_visible_ms: Math.round(this.visibleMs),
      scroll_percent: this.scrollPercent,
      leave: isLeaving,
    };
    this.tracker.track("engagement", properties, undefined, this.place);
  }

  private scrolled(): void {
    const page = document.documentElement;
    const room = page.scrollHeight - innerHeight;
    if (room <= 0) return;
    const percent = Math.min(100, Math.ceil(((scrollY + innerHeight) / page.scrollHeight) * 100));
    for (const mark of SCROLL_PERCENTS) {
      if (mark > this.scrollPercent && mark <= percent) {
        this.scrollPercent = mark;
        this.tracker.track("scroll", { percent: mark }, undefined, this.place);
      }
    }
  }

  private watchHistory(): void {
    // The title changes after the address in most frameworks, so look when they are done.
    const look = () => setTimeout(() => this.moved(), 0);
    for (const name of ["pushState", "replaceState"] as const) {
      const original = history[name];
      history[name] = function (this: History, ...args: Parameters<typeof original>) {
        original.apply(this, args);
        look();
      };
    }
    addEventListener("popstate", look);
    addEventListener("hashchange", look);
  }

  private moved(): void {
    const before = this.place;
    if (address() === addressOf(before)) return;
    this.pause();
    this.tellEngagement(true);
    this.tracker.referrer = before.url;
    this.begin(true);
  }
}

function isVisible(): boolean {
  return document.visibilityState === "visible";
}

/** What makes a page another page: path, query, and a hash only if it is a route (`#/cart`, `#!/cart`). */
function addressOf(place: { path: string; search: string; url: string }): string {
  const hash = place.url.split("#")[1] ?? "";
  return `${place.path}${place.search}${/^!?\//.test(hash) ? hash : ""}`;
}

function address(): string {
  return addressOf({ path: location.pathname, search: location.search, url: location.href });
}
