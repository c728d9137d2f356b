// What may a page call? The typed face of `window.footfall`, the same from the script tag and from npm.

import type { Decision } from "./consent";
import type { CallOptions } from "./tracker";

export type Properties = Record<string, unknown>;

export interface Footfall {
  readonly isLoaded: true;
  /** A page was seen; needed only with `autoPage: false`. */
  page(name?: string, properties?: Properties, options?: CallOptions): void;
  page(category: string, name: string, properties?: Properties, options?: CallOptions): void;
  /** Something happened: `"Product Viewed"`, `"Order Completed"` … */
  track(event: string, properties?: Properties, options?: CallOptions): void;
  /** Who the visitor is. */
  identify(userId: string | number, traits?: Properties, options?: CallOptions): void;
  identify(traits: Properties, options?: CallOptions): void;
  /** Which group the visitor belongs to. */
  group(groupId: string | number, traits?: Properties, options?: CallOptions): void;
  /** Two ids are one person. */
  alias(userId: string | number, previousId?: string | number, options?: CallOptions): void;
  /** Somebody else uses this browser from now on (a log-out). */
  reset(): void;
  /** The visitor's answer: yes, no, or purpose by purpose. */
  consent(decision: Decision): void;
  /** Send what waits, now. */
  flush(): void;
  /** A call as a list, as the stub collects them: `["track", "Product Viewed", {…}]`. */
  push(call: readonly unknown[]): void;
}

declare global {
  interface Window {
    footfall?: Footfall | unknown[];
  }
}
