// Which knobs did the shop set? Only from the script tag's own attributes, never from the page's address.

export interface Options {
  writeKey: string;
  /** Base address of the Footfall server, without a slash at the end. */
  host: string;
  /** Nothing is stored or sent before `footfall.consent(...)` says yes. */
  isConsentRequired: boolean;
  hasAutoPages: boolean;
  hasScroll: boolean;
  hasEngagement: boolean;
  hasClicks: boolean;
  /** Send "Product Viewed" from a page's JSON-LD. */
  hasJsonLd: boolean;
}

export function readOptions(script: HTMLScriptElement): Options | null {
  const attribute = (name: string) => script.getAttribute(`data-${name}`);
  const writeKey = attribute("write-key");
  if (!writeKey) return null;
  const isOn = (name: string) => attribute(name) !== "false";
  return {
    writeKey,
    host: (attribute("host") || script.src.replace(/[?#].*/, "").replace(/\/[^/]*$/, "")).replace(/\/+$/, ""),
    isConsentRequired: attribute("consent") === "required",
    hasAutoPages: isOn("auto-page"),
    hasScroll: isOn("scroll"),
    hasEngagement: isOn("engagement"),
    hasClicks: isOn("clicks"),
    hasJsonLd: attribute("products") === "json-ld",
  };
}
