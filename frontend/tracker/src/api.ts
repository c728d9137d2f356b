// What may a page say, and set? The typed face of `window.footfall`, the same from the script tag and from npm.

type Switch = boolean | "true" | "false";

/** Attributes of the script tag (`data-write-key`, `data-layer` …) or what `load` is given. */
export interface Settings {
  writeKey: string;
  /** Base addresses of the Footfall server: the next is used when one can't be reached. */
  host: string | readonly string[];
  /** Nothing is stored or sent before `footfall.consent(...)` says yes. */
  consent?: "required";
  /** Name of the data layer to listen to, such as `dataLayer`. */
  layer?: string;
  /** Each is on unless it is `false`. */
  autoPage?: Switch;
  scroll?: Switch;
  engagement?: Switch;
  clicks?: Switch;
  hover?: Switch;
  forms?: Switch;
}

/** Purposes the visitor said yes or no to; `analytics` decides whether anything is collected at all. */
export type Purposes = Record<string, boolean>;
/** What `footfall.consent` takes: yes, no, or purpose by purpose. */
export type Decision = boolean | "granted" | "denied" | Purposes;

/** Last argument of the calls: what the event should say besides what the page says. */
export interface CallOptions {
  context?: object;
  timestamp?: string | Date;
  messageId?: string;
}

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
