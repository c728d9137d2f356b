// Which product does this page show? Read from schema.org JSON-LD, where a shop has it.

import { type Json, plain } from "./context";

type Node = Record<string, unknown>;

export function productOnPage(): Json | null {
  for (const script of Array.from(document.querySelectorAll('script[type="application/ld+json"]'))) {
    try {
      const product = find(JSON.parse(script.textContent || ""), 0);
      if (product) return product;
    } catch {
      // Broken JSON-LD is the shop's business; there is no product to tell then.
    }
  }
  return null;
}

function find(node: unknown, depth: number): Json | null {
  if (!node || typeof node !== "object" || depth > 4) return null;
  if (Array.isArray(node)) {
    for (const item of node.slice(0, 50)) {
      const found = find(item, depth + 1);
      if (found) return found;
    }
    return null;
  }
  const item = node as Node;
  if (([] as unknown[]).concat(item["@type"]).includes("Product")) return toProperties(item);
  return find(item["@graph"], depth + 1) ?? find(item["mainEntity"], depth + 1);
}

function toProperties(item: Node): Json | null {
  const offer = ([] as unknown[]).concat(item["offers"])[0] as Node | undefined;
  const productId = text(item["productID"]) ?? text(item["sku"]) ?? text(item["@id"]);
  if (!productId) return null;
  const brand = item["brand"] as Node | string | undefined;
  return plain({
    product_id: productId,
    sku: text(item["sku"]),
    name: text(item["name"]),
    brand: text(typeof brand === "object" ? brand["name"] : brand),
    category: text(item["category"]),
    price: text(offer?.["price"] ?? offer?.["lowPrice"]),
    currency: text(offer?.["priceCurrency"]),
  });
}

function text(value: unknown): string | number | undefined {
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}
