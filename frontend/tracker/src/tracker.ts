// What can a page say? The Segment spec's calls, each turned into one event, or held until the visitor agrees.

import { Consent, type Decision } from "./consent";
import { contextAt, here, type Json, type Place, plain } from "./context";
import { Identity, randomId } from "./ids";
import type { Options } from "./options";
import { Queue } from "./queue";

const HELD_MAX = 100;
const EVENT_MAX_CHARS = 32_000;

/** Last argument of the calls: what the event should say besides what the page says. */
export interface CallOptions {
  context?: object;
  timestamp?: string | Date;
  messageId?: string;
}

interface Held {
  type: string;
  fields: Json;
  options: CallOptions | undefined;
  place: Place;
  time: Date;
}

export class Tracker {
  readonly identity = new Identity();
  readonly consentState: Consent;
  /** Where the visitor came from: the document's referrer, then the last page of a single-page app. */
  referrer = document.referrer;
  private readonly queue: Queue;
  private isOpen = false;
  /** Calls before the visitor's answer: in memory only, never stored, gone with the page or a "no". */
  private held: Held[] = [];

  constructor(options: Options) {
    this.consentState = new Consent(options.isConsentRequired);
    this.queue = new Queue(`${options.host}/v1/batch`, options.writeKey);
    this.settle();
    // What an earlier visit left behind, before the shop asked for consent or the browser said no.
    if (!this.isOpen) this.close();
  }

  page = (...args: unknown[]): void => {
    const names = args.filter((arg) => typeof arg === "string") as string[];
    const [properties, options] = args.filter((arg) => arg && typeof arg === "object") as [Json?, CallOptions?];
    const place = here(this.referrer);
    const name = names.length ? names[names.length - 1] : undefined;
    const category = names.length > 1 ? names[0] : undefined;
    this.add("page", plain({ name, category, properties: plain(place, { name, category }, properties) }), options);
  };

  track = (event: unknown, properties?: unknown, options?: CallOptions, place?: Place): void => {
    if (typeof event !== "string" || !event) return warn("track needs the name of an event");
    this.add("track", plain({ event, properties: plain(object(properties)) }), options, place);
  };

  identify = (...args: unknown[]): void => {
    const userId = id(args[0]);
    const [traits, options] = (typeof args[0] === "object" && args[0] ? args : args.slice(1)) as [Json?, CallOptions?];
    this.add("identify", plain({ userId, traits: plain(object(traits)) }), options);
  };

  group = (groupId: unknown, traits?: unknown, options?: CallOptions): void => {
    this.add("group", plain({ groupId: id(groupId), traits: plain(object(traits)) }), options);
  };

  alias = (userId: unknown, previousId?: unknown, options?: CallOptions): void => {
    const to = id(userId);
    if (!to) return warn("alias needs the new id");
    this.add("alias", plain({ userId: to, previousId: id(previousId) }), options);
  };

  /** Somebody else uses this browser from now on (a log-out). */
  reset = (): void => {
    this.held = [];
    if (this.isOpen) this.identity.reset();
  };

  consent = (decision: Decision): void => {
    const before = this.isOpen && this.identity.anonymousId;
    this.consentState.decide(decision);
    if (this.consentState.answer() === "yes") {
      // The decision goes first, so that what follows is read in its light.
      const time = this.held[0]?.time;
      this.open();
      this.tellConsent(time);
      this.release();
    } else {
      this.held = [];
      if (before) {
        const ids = { anonymousId: before, userId: this.identity.userId };
        this.close();
        this.withdraw(ids);
      } else this.close();
    }
  };

  /** Read the stored decision again (it may have been changed in another tab) and act on it. */
  settle = (): void => {
    this.consentState.read();
    const answer = this.consentState.answer();
    if (answer === "yes") {
      if (!this.isOpen) {
        this.open();
        this.release();
      }
    } else {
      if (answer === "no") this.held = [];
      if (this.isOpen) this.close();
    }
  };

  flush = (): void => this.queue.flush();
  leave = (): void => this.queue.leave();
  online = (): void => this.queue.online();
  resume = (): void => {
    this.settle();
    if (this.isOpen) this.queue.adopt();
  };

  private open(): void {
    if (this.isOpen) return;
    this.isOpen = true;
    this.identity.open();
    this.queue.adopt();
  }

  private close(): void {
    this.isOpen = false;
    this.queue.forget();
    this.identity.forget();
  }

  private tellConsent(time?: Date): void {
    this.write(
      "track",
      plain({ event: CONSENT_EVENT, properties: plain() }),
      undefined,
      here(this.referrer),
      time ?? new Date(),
    );
  }

  /** The one last word after a "no": without it the server would go on scoring and writing to the visitor. */
  private withdraw(ids: { anonymousId: string; userId: string | null }): void {
    const event = plain({
      type: "track",
      event: CONSENT_EVENT,
      messageId: randomId(),
      anonymousId: ids.anonymousId,
      userId: ids.userId ?? undefined,
      timestamp: new Date().toISOString(),
      context: plain({ consent: { categoryPreferences: this.consentState.purposes } }),
    });
    this.queue.sendOnce(JSON.stringify(event));
  }

  private release(): void {
    const held = this.held;
    this.held = [];
    for (const { type, fields, options, place, time } of held) this.write(type, fields, options, place, time);
  }

  private add(type: string, fields: Json, options?: CallOptions, place: Place = here(this.referrer)): void {
    this.settle();
    if (this.isOpen) this.write(type, fields, options, place, new Date());
    else if (this.consentState.answer() === "unasked" && this.held.length < HELD_MAX) {
      this.held.push({ type, fields, options, place, time: new Date() });
    }
  }

  private write(type: string, fields: Json, options: CallOptions | undefined, place: Place, time: Date): void {
    const previousId = this.identity.userId ?? this.identity.anonymousId;
    if (type === "identify" || type === "alias") {
      const userId = fields["userId"] as string | undefined;
      if (userId) this.identity.setUser(userId);
    }
    if (type === "alias") fields["previousId"] ??= previousId;
    let text: string;
    try {
      text = JSON.stringify(
        plain(fields, {
          type,
          messageId: options?.messageId ?? randomId(),
          anonymousId: this.identity.anonymousId,
          userId: fields["userId"] ?? this.identity.userId ?? undefined,
          timestamp: new Date(options?.timestamp ?? time).toISOString(),
          context: plain(contextAt(place, this.consentState.purposes), options?.context),
        }),
      );
    } catch (error) {
      return warn(`${type} can't be written as JSON: ${error}`);
    }
    if (text.length > EVENT_MAX_CHARS) return warn(`${type} is larger than 32 KB and was left out`);
    this.queue.push(text);
  }
}

const CONSENT_EVENT = "Segment Consent Preference Updated";

export function warn(message: string): void {
  console.warn(`footfall: ${message}`);
}

function id(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

function object(value: unknown): object | undefined {
  return value && typeof value === "object" ? value : undefined;
}
