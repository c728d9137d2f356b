// What may this browser keep? First-party cookie and localStorage; every access can fail and then holds nothing.

const YEAR_S = 31_536_000;

export function load(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Whether it was kept; a full or forbidden storage keeps nothing. */
export function save(key: string, value: string): boolean {
  try {
    localStorage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

export function drop(key: string): void {
  try {
    localStorage.removeItem(key);
  } catch {
    // Storage is forbidden, so there is nothing to remove.
  }
}

export function keys(): string[] {
  try {
    return Object.keys(localStorage);
  } catch {
    return [];
  }
}

export function readCookie(name: string): string | null {
  for (const part of document.cookie.split("; ")) {
    if (part.startsWith(`${name}=`)) return part.slice(name.length + 1);
  }
  return null;
}

function writeCookieAt(name: string, value: string, maxAgeS: number, domain: string): void {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in Safari and on plain http.
  document.cookie = `${name}=${value}; Path=/; Max-Age=${maxAgeS}; SameSite=Lax${secure}${domain && `; Domain=${domain}`}`;
}

let cachedDomain: string | undefined;

/** The widest domain a cookie may have here: `shop.co.uk` on `www.shop.co.uk`; empty on addresses and localhost. */
export function cookieDomain(): string {
  if (cachedDomain !== undefined) return cachedDomain;
  cachedDomain = "";
  const labels = location.hostname.split(".");
  if (!/^[\d.]+$|:/.test(location.hostname)) {
    for (let n = 2; n <= labels.length; n++) {
      const domain = labels.slice(-n).join(".");
      writeCookieAt("ff_probe", "1", 5, domain);
      if (readCookie("ff_probe")) {
        writeCookieAt("ff_probe", "", -1, domain);
        cachedDomain = domain;
        break;
      }
    }
  }
  return cachedDomain;
}

export function writeCookie(name: string, value: string): void {
  writeCookieAt(name, value, YEAR_S, cookieDomain());
}

export function dropCookie(name: string): void {
  writeCookieAt(name, "", -1, cookieDomain());
}
