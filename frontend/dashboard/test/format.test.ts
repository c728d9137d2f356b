import { describe, expect, test } from "vitest";
import { ago, duration, featureValue, money, ofPeople, pathOf, percent, place, safeUrl, words } from "../src/format";

describe("links", () => {
  test.each([
    "javascript:alert(1)",
    "JAVASCRIPT:alert(1)",
    " java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://shop.example/1",
    "//evil.example",
    "/relative",
    "",
    null,
  ])("%j is not a link", (url) => expect(safeUrl(url)).toBeNull());

  test.each(["https://shop.example/a", "http://shop.example"])("%s is one", (url) => {
    expect(safeUrl(url)?.href).toContain("shop.example");
  });

  test("a page is shown by its path", () => {
    expect(pathOf("https://shop.example/sch%C3%B6n?q=1#x")).toBe("/schön?q=1");
    expect(pathOf("https://shop.example/%E0%A4%A")).toBe("/%E0%A4%A");
    expect(pathOf("not a url")).toBe("not a url");
  });
});

describe("times", () => {
  const now = Date.parse("2026-03-01T12:00:00Z");
  test.each([
    ["2026-03-01T11:59:58Z", "now"],
    ["2026-03-01T12:00:09Z", "now"],
    ["2026-03-01T11:59:47Z", "10 s ago"],
    ["2026-03-01T11:57:00Z", "3 min ago"],
    ["2026-03-01T02:00:00Z", "10 h ago"],
    ["2026-02-20T12:00:00Z", "9 d ago"],
    ["nonsense", "–"],
  ])("%s is %s", (iso, text) => expect(ago(iso, now)).toBe(text));

  test.each([
    [0, "0 s"],
    [59.4, "59 s"],
    [97, "1 min 37 s"],
    [1_200, "20 min"],
    [5_400, "1 h 30 min"],
    [259_200, "3 d"],
    [null, "–"],
    [Number.NaN, "–"],
  ])("%s seconds are %s", (seconds, text) => expect(duration(seconds)).toBe(text));
});

test("money without a known currency is a number", () => {
  expect(money(12.5, "")).toBe("12.5");
  expect(money(12.5, "<b>")).toBe("12.5");
  expect(money(12.5, "EUR")).toContain("12.50");
});

test("places say what is known", () => {
  expect(place({ country: "DE", region: null, city: "Hamburg" })).toBe("Hamburg, Germany");
  expect(place({ country: "XX9", region: null, city: null })).toBe("XX9");
  expect(place({ country: null, region: null, city: null })).toBe("–");
  expect(place(null)).toBe("–");
});

test("names are read as words", () => {
  expect(words("product_view")).toBe("Product view");
  expect(words("bad_json")).toBe("Bad JSON");
  expect(words(null)).toBe("–");
});

test("features are shown in their unit", () => {
  expect(featureValue(null, "count", "EUR")).toBe("–");
  expect(featureValue(90, "s", "EUR")).toBe("1 min 30 s");
  expect(featureValue(1, "bool", "EUR")).toBe("yes");
  expect(featureValue(0.12345, "fraction", "EUR")).toBe("12.3 %");
  expect(featureValue(0.12345, "ratio", "EUR")).toBe("0.123");
});

describe("shares", () => {
  test.each([
    [null, "–"],
    [0, "0 %"],
    [0.0004, "< 0.1 %"],
    [0.034, "3.4 %"],
    [0.04, "4.0 %"],
    [0.0996, "10 %"],
    [0.1249, "12 %"],
    [0.9949, "99 %"],
    [0.999, "> 99 %"],
    [1, "100 %"],
  ])("%j reads %s", (share, text) => expect(percent(share)).toBe(text));

  test.each([
    [0.124, "12 of 100"],
    [0.004, "4 of 1,000"],
    [0.00004, "0 of 10,000"],
  ])("%j is %s visitors", (share, text) => expect(ofPeople(share)).toBe(text));
});
