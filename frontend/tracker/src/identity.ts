// Who is this browser? A random id that says nothing about the person, and the account id the shop told us.

import { COOKIE_DAYS, cookieDomain, load, readCookie, save, writeCookie } from "./storage";
import { isWithin } from "./wire";

const ANONYMOUS = "ff_anonymous_id";
const USER = "ff_user_id";
/** When the server was last asked for the cookie, epoch ms. */
const COOKIE_AT = "ff_cookie_at";
const COOKIE_EVERY_MS = 86_400_000;

export let anonymousId = "";
export let userId: string | undefined;
let isCookieDue = false;

/** 128 random bits as four numbers. */
export const randomId = (): string => crypto.getRandomValues(new Uint32Array(4)).join("-");

/** The id that this browser has, or none. */
export const knownId = (cookie = readCookie(ANONYMOUS)): string => anonymousId || cookie || load(ANONYMOUS) || "";

/** Read or make the ids. Call only when storing is allowed. */
export function openIdentity(given?: string): void {
  const cookie = readCookie(ANONYMOUS);
  const known = given || knownId(cookie);
  anonymousId = /^[\w-]{16,64}$/.test(known) ? known : randomId();
  userId ??= load(USER) || undefined;
  save(ANONYMOUS, anonymousId);
  if (cookie !== anonymousId || !(Math.abs(Date.now() - +load(COOKIE_AT)!) < COOKIE_EVERY_MS)) {
    writeCookie(ANONYMOUS, anonymousId);
    isCookieDue = true;
  }
}

export function setUser(id?: string): void {
  userId = id;
  save(USER, id);
}

/** Leave nothing behind. */
export function forgetIdentity(): void {
  setUser();
  anonymousId = "";
  save(ANONYMOUS);
  save(COOKIE_AT);
  if (readCookie(ANONYMOUS)) writeCookie(ANONYMOUS, "", -1);
}

/**
 * What a batch asks for when the cookie is due: that the server set it as well, since some browsers cut the life of
 * cookies that scripts write to a week. Only a server of the shop's own site can.
 */
export function cookieWish(): object | undefined {
  const domain = cookieDomain();
  return isCookieDue && isWithin(domain) ? { cookie: { domain, days: COOKIE_DAYS } } : undefined;
}

export function cookieAnswered(): void {
  isCookieDue = false;
  save(COOKIE_AT, `${Date.now()}`);
}
