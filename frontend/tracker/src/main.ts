// Where does it all start? Reads the script tag, replays the calls made before loading, and watches the page.

import { watchClicks } from "./clicks";
import { productOnPage } from "./jsonld";
import { readOptions } from "./options";
import { Tracker, warn } from "./tracker";
import { Visit } from "./visit";

const CALLS = ["page", "track", "identify", "group", "alias", "reset", "consent", "flush"] as const;
type Call = (typeof CALLS)[number];

function start(script: HTMLScriptElement): void {
  const options = readOptions(script);
  if (!options) return warn('the script tag needs data-write-key="..."');
  const shared = window as unknown as { footfall?: unknown };
  if ((shared.footfall as { isLoaded?: boolean } | undefined)?.isLoaded) return;
  const waiting = Array.isArray(shared.footfall) ? (shared.footfall as unknown[][]).slice() : [];

  const tracker = new Tracker(options);
  const api = Object.create(null);
  api.isLoaded = true;
  for (const call of CALLS) api[call] = (...args: unknown[]) => guard(() => tracker[call].apply(null, args as never));
  // A page may go on to push onto the stub.
  api.push = (item: unknown) => Array.isArray(item) && run(item);
  shared.footfall = api;

  const run = (item: unknown[]) => {
    const [call, ...args] = item;
    if (CALLS.includes(call as Call)) api[call as Call](...args);
  };
  const begin = () => {
    // A decision made before loading holds for the first page view already.
    for (const item of waiting) if (item[0] === "consent") run(item);
    const visit = new Visit(tracker, options, () => {
      const product = options.hasJsonLd && productOnPage();
      if (product) tracker.track("Product Viewed", product);
    });
    guard(() => visit.start(options.hasAutoPages && !waiting.some((item) => item[0] === "page")));
    for (const item of waiting) if (item[0] !== "consent") run(item);
    if (options.hasClicks) watchClicks(tracker);
    addEventListener("online", tracker.online);
    addEventListener("storage", (event) => event.key === "ff_consent" && tracker.settle());
  };
  // A page that is only rendered in advance hasn't been seen by anybody yet.
  if ((document as { prerendering?: boolean }).prerendering) {
    document.addEventListener("prerenderingchange", begin, { once: true });
  } else begin();
}

/** The shop's page goes on, whatever happens in here. */
function guard(work: () => void): void {
  try {
    work();
  } catch (error) {
    warn(String(error));
  }
}

const script = document.currentScript ?? document.querySelector("script[data-write-key]");
if (script instanceof HTMLScriptElement) start(script);
