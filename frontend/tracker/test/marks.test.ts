import { beforeEach, describe, expect, test } from "vitest";
import { propertiesOf } from "../src/clicks";
import { productOnPage } from "../src/jsonld";
import { readOptions } from "../src/options";

beforeEach(() => {
  document.body.innerHTML = "";
});

describe("options", () => {
  test("come from the script tag, and the host from its address", () => {
    document.body.innerHTML =
      '<script type="text/plain" src="https://t.example/x/footfall.js?host=https://evil.example/" data-write-key="wk" data-consent="required" data-scroll="false"></script>';
    expect(readOptions(document.querySelector("script")!)).toMatchObject({
      writeKey: "wk",
      host: "https://t.example/x",
      isConsentRequired: true,
      hasScroll: false,
      hasClicks: true,
      hasJsonLd: false,
    });
  });

  test("without a write key there is nothing to do", () => {
    expect(readOptions(document.createElement("script"))).toBeNull();
  });
});

test("a marked click says the attributes as properties", () => {
  document.body.innerHTML =
    '<a data-footfall-event="Promotion Clicked" data-footfall-prop-promotion_id="p1" data-footfall-prop-__proto__="x">';
  const properties = propertiesOf(document.querySelector("a")!);
  expect(Object.getPrototypeOf(properties)).toBeNull();
  expect(JSON.stringify(properties)).toBe('{"promotion_id":"p1","__proto__":"x"}');
});

describe("JSON-LD", () => {
  const show = (json: string) => {
    document.body.innerHTML = `<script type="application/ld+json">${json}</script>`;
    return productOnPage();
  };

  test("a product in a graph is found with its offer", () => {
    const product = show(
      '{"@graph":[{"@type":"WebPage"},{"@type":["Product"],"sku":"s1","name":"Boot","brand":{"name":"Ida"},"offers":[{"price":"59.90","priceCurrency":"EUR"}]}]}',
    );
    expect({ ...product }).toEqual({
      product_id: "s1",
      sku: "s1",
      name: "Boot",
      brand: "Ida",
      category: undefined,
      price: "59.90",
      currency: "EUR",
    });
  });

  test.each(["{broken", "[]", '{"@type":"Article"}', '{"@type":"Product","name":"no id"}', "null"])(
    "%s holds no product",
    (json) => expect(show(json)).toBeNull(),
  );
});
