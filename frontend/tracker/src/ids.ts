// Who is this browser? A random id that says nothing about the person, and the account id the shop told us.

import { drop, dropCookie, load, readCookie, save, writeCookie } from "./storage";

const ANONYMOUS = "ff_anonymous_id";
const USER = "ff_user_id";

/** 128 random bits as 32 hexadecimal digits. */
export function randomId(): string {
  let id = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) id += byte.toString(16).padStart(2, "0");
  return id;
}

export class Identity {
  anonymousId = "";
  userId: string | null = null;

  /** Read or make the ids, and renew the cookie's year. Call only when storing is allowed. */
  open(): void {
    const known = readCookie(ANONYMOUS) || load(ANONYMOUS);
    this.setAnonymous(known && /^[\w-]{16,64}$/.test(known) ? known : randomId());
    this.userId ??= load(USER);
  }

  setUser(userId: string): void {
    this.userId = userId;
    save(USER, userId);
  }

  /** Somebody else from now on. */
  reset(): void {
    this.userId = null;
    drop(USER);
    this.setAnonymous(randomId());
  }

  /** Leave nothing behind. */
  forget(): void {
    this.anonymousId = "";
    this.userId = null;
    drop(USER);
    drop(ANONYMOUS);
    if (readCookie(ANONYMOUS)) dropCookie(ANONYMOUS);
  }

  private setAnonymous(id: string): void {
    this.anonymousId = id;
    save(ANONYMOUS, id);
    writeCookie(ANONYMOUS, id);
  }
}
